"""Messages that could not be decrypted: asked for again by us, and by others (PROTOCOL.md §18)."""

import asyncio
from collections import OrderedDict
from typing import Final

from whatsapp.desk import Desk
from whatsapp.exceptions import (
    BundleError,
    NoSessionError,
    QueryError,
    SignalError,
    UnknownPreKeyError,
)
from whatsapp.log import log_raised
from whatsapp.protocol import message_stanzas, messages, people_stanzas
from whatsapp.protocol.jid import Jid
from whatsapp.protocol.nodes import Node
from whatsapp.protocol.signal import cipher
from whatsapp.protocol.signal.records import Record
from whatsapp.protocol.signal.x3dh import Bundle, initiate
from whatsapp.settling import kept
from whatsapp.store import SentMessage

MAX_RETRIES: Final = 5  # for one message and device, both ways
_MAX_COUNTED: Final = 512  # messages
_FETCH_AGAIN_S: Final = 3600.0  # before a device may have new keys fetched for it again
_MAX_KEYS: Final = 50  # fresh pre-keys given away...
_KEYS_PER_S: Final = 600.0  # ...in so many seconds; a stranger's rubbish must not fill the store


class Retries:
    """Both methods raise StoreError and NotConnectedError only."""

    __slots__ = ("_answered", "_asked", "_desk", "_fetched_at", "_keys_given", "_keys_since")

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._asked = _Counter()  # by us
        self._answered = _Counter()  # for others
        self._fetched_at: dict[Jid, float] = {}  # when keys were fetched for a device that asked without its own
        self._keys_given = 0
        self._keys_since = 0.0

    async def ask(self, message: Node, part: Node, error: SignalError) -> None:
        """Ask the sender for a message that did not open, unless that was done often enough."""
        count = self._asked.next(message, part.attr_int("count"))
        if count > MAX_RETRIES:
            return
        needs_keys = count > 1 or isinstance(error, (NoSessionError, UnknownPreKeyError))
        keys = await self._fresh_keys() if needs_keys else None
        registration_id = self._desk.account.keys.registration_id
        self._desk.line.send(message_stanzas.retry_receipt(message, count, registration_id, keys))

    async def answer(self, receipt: Node) -> None:
        """Somebody asks for a message: send it to that device again, if it is for it; acknowledge in any case."""
        try:
            await self._answer(receipt)
        except (QueryError, TimeoutError, SignalError) as error:
            log_raised("retry", error)
        self._desk.acknowledge(receipt)

    async def _answer(self, receipt: Node) -> None:
        desk, retry, device = self._desk, receipt.child("retry"), receipt.attr_jid("from")
        if retry is None or device is None:
            return
        message_id = retry.attr("id") or receipt.attr("id")
        sent = await kept(desk.store.sent_message(message_id))
        if sent is None or not await self._may_have(device, sent):
            return
        count = self._answered.next(receipt, 0)
        if count > MAX_RETRIES:
            return
        chat = Jid.parse(sent.chat)
        is_own = device.user in desk.account.users
        payload = messages.own_copy(sent.payload, chat) if is_own else sent.payload
        addresses = await desk.addresses_of(device)
        bundle = await self._bundle(receipt, device, addresses, count)
        async with desk.ratchets.lock:
            records = await desk.ratchets.load(addresses)
            record = records.get(addresses[0])
            if bundle is not None:
                record = initiate(record, bundle, desk.account.keys)
            if record is None:
                raise NoSessionError("no keys for the device that asks")
            done = cipher.encrypt(record, messages.pad(payload), desk.account.keys)
            changed: dict[str, Record | None] = {addresses[0]: done.record}
            await desk.commit(changed)
        media_type = messages.media_type_of(sent.payload)
        part = message_stanzas.encrypted(done.kind, done.data, media_type, max(count, retry.attr_int("count")))
        identity = desk.account.device_identity if done.kind == cipher.PRE_KEY_MESSAGE else None
        kind = "media" if media_type else "text"
        desk.line.send(
            message_stanzas.resent(receipt, message_id, kind, part, identity, recipient=chat if is_own else None)
        )

    async def _may_have(self, device: Jid, sent: SentMessage) -> bool:
        """Whether a device belongs to the recipient of a message, or to us."""
        desk, chat = self._desk, Jid.parse(sent.chat)
        if device.user in desk.account.users:
            return not desk.account.is_this_device(device)
        if device.user == chat.user:
            return True
        number = await desk.people.number_of(chat)
        return number is not None and number == await desk.people.number_of(device)

    async def _bundle(self, receipt: Node, device: Jid, addresses: list[str], count: int) -> Bundle | None:
        """Keys for a new session: those that came with the receipt, or the server's if there is reason to ask it.

        Raises BundleError for keys that do not verify; QueryError, TimeoutError and NotConnectedError.
        """
        desk = self._desk
        if receipt.child("keys") is not None:
            return people_stanzas.read_bundle(receipt, device)
        async with desk.ratchets.lock:
            record = (await desk.ratchets.load(addresses)).get(addresses[0])
        has_session = record is not None and record.current is not None
        now = asyncio.get_running_loop().time()
        if has_session and (count < 2 or now < self._fetched_at.get(device, -_FETCH_AGAIN_S) + _FETCH_AGAIN_S):
            return None
        if len(self._fetched_at) >= _MAX_COUNTED:
            self._fetched_at.clear()
        self._fetched_at[device] = now
        found = (await desk.fetch_bundles([device]))[device]
        if isinstance(found, Bundle):
            return found
        if has_session:
            return None
        raise BundleError("the server has no keys of the device that asks")

    async def _fresh_keys(self) -> Node | None:
        desk, now = self._desk, asyncio.get_running_loop().time()
        if now - self._keys_since > _KEYS_PER_S:
            self._keys_since, self._keys_given = now, 0
        self._keys_given += 1
        credentials = await kept(desk.store.load_credentials())
        if credentials is None or self._keys_given > _MAX_KEYS:
            return None
        pre_keys = await kept(desk.store.take_pre_keys(1))
        await kept(desk.store.mark_pre_keys_uploaded(pre_keys))  # the server must not hand it out to somebody else
        return message_stanzas.retry_keys(credentials, pre_keys[0])


class _Counter:
    """How often something was done for a message and a device; the oldest are forgotten."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: OrderedDict[tuple[str, str], int] = OrderedDict()

    def next(self, stanza: Node, at_least: int) -> int:
        key = stanza.attr("from"), stanza.attr("id")
        count = max(self._counts.pop(key, 0), at_least) + 1
        self._counts[key] = count
        if len(self._counts) > _MAX_COUNTED:
            self._counts.popitem(last=False)
        return count
