"""What arrives: messages, receipts, news of people; each kept before the server hears of it (PROTOCOL.md §12, §17)."""

from dataclasses import dataclass
from typing import Final

from whatsapp.desk import Desk
from whatsapp.events import MessageReceived, ReceiptReceived
from whatsapp.exceptions import MalformedMessageError, SignalError
from whatsapp.log import log_raised
from whatsapp.protocol import message_stanzas, messages, people_stanzas
from whatsapp.protocol.jid import Jid
from whatsapp.protocol.message_stanzas import Source
from whatsapp.protocol.messages import Received
from whatsapp.protocol.nodes import Node
from whatsapp.protocol.signal import cipher
from whatsapp.protocol.signal.records import Record
from whatsapp.retries import Retries
from whatsapp.settling import kept
from whatsapp.store import StateChanges, TrustedToken

_MAX_REMOVED: Final = 100  # devices in one notification
_MAX_TEXT: Final = 65_536  # characters; WhatsApp's own limit


@dataclass(frozen=True, slots=True)
class _Opened:
    """A message that was decrypted; nothing of that is in the store yet."""

    before: dict[str, Record]  # what was there
    after: dict[str, Record | None]
    used_pre_key: int | None
    received: Received


class Receiver:
    """`take` raises StoreError, HandlerError and NotConnectedError, whatever arrives."""

    __slots__ = ("_desk", "_retries")

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._retries = Retries(desk)

    async def take(self, stanza: Node) -> None:
        """Handle one stanza that `message_stanzas.needs_memory`, and answer it."""
        match stanza.tag:
            case "message":
                await self._message(stanza)
            case "receipt" if stanza.attr("type") == "retry":
                await self._retries.answer(stanza)
            case "receipt":
                await self._receipt(stanza)
            case _:
                await self._news(stanza)
                self._desk.acknowledge(stanza)

    # --- messages

    async def _message(self, node: Node) -> None:
        desk = self._desk
        source = message_stanzas.read_source(node, desk.account.users)
        part = message_stanzas.encrypted_part(node)
        if source is None or part is None:
            desk.acknowledge(node, is_read=False)
            return
        await desk.people.learn([source.sender, *source.other_names])
        addresses = await desk.addresses_of(source.sender, *source.other_names)
        try:
            opened = await self._open(addresses, part)
        except SignalError as error:
            if error.wants_retry:
                await self._retries.ask(node, part, error)
            desk.acknowledge(node, is_read=False)
            return
        if not (source.is_peer or opened.received.is_protocol):
            # Before the step is kept: after a crash the message comes again, and would not open a second time.
            await desk.tell(await self._event(source, opened.received))
        await self._keep(addresses, part, opened)
        desk.acknowledge(node)

    async def _event(self, source: Source, received: Received) -> MessageReceived:
        desk = self._desk
        chat = source.chat
        if source.is_own and received.destination:
            named = Node("", {"jid": received.destination}).attr_jid("jid")
            chat = named.bare if named is not None else chat
        text = received.text
        return MessageReceived(
            source.message_id,
            chat,
            await desk.people.number_of(source.sender),
            source.is_own,
            text if text is None else text[:_MAX_TEXT],
            source.at or int(desk.options.now()),
        )

    async def _open(self, addresses: list[str], part: Node) -> _Opened:
        """Raises SignalError, StoreError."""
        async with self._desk.ratchets.lock:
            records = await self._desk.ratchets.load(addresses)
        return await self._decrypt(addresses, records, part)

    async def _keep(self, addresses: list[str], part: Node, opened: _Opened) -> None:
        """The handler returned: the step goes into the store, unless it was taken meanwhile."""
        desk = self._desk
        async with desk.ratchets.lock:
            records = await desk.ratchets.load(addresses)
            if records != opened.before:  # something was sent there
                try:
                    opened = await self._decrypt(addresses, records, part)
                except SignalError:
                    return
            await desk.commit(opened.after, StateChanges(used_pre_key=opened.used_pre_key))

    async def _decrypt(self, addresses: list[str], records: dict[str, Record], part: Node) -> _Opened:
        place = next((address for address in addresses if address in records), addresses[0])
        record, kind, data = records.get(place), part.attr("type"), part.data
        pre_key = None
        if kind == cipher.PRE_KEY_MESSAGE:
            wanted = cipher.wanted_pre_key(record, data)
            pre_key = await kept(self._desk.store.pre_key(wanted)) if wanted is not None else None
        try:
            done = cipher.decrypt(record, kind, data, self._desk.account.keys, pre_key)
            received = messages.read(messages.unpad(done.plaintext))
        except SignalError:
            raise
        except Exception as error:  # from a stranger's bytes: whatever it is, it must cost no more than the message
            log_raised("message", error)
            raise MalformedMessageError("not understood") from None
        after: dict[str, Record | None] = {place: None} if place != addresses[0] else {}
        after[addresses[0]] = done.record
        return _Opened(records, after, done.used_pre_key_id, received)

    # --- receipts

    async def _receipt(self, node: Node) -> None:
        desk = self._desk
        status, sender = message_stanzas.status_of(node), node.attr_jid("from")
        is_own = sender is not None and sender.user in desk.account.users
        ids = message_stanzas.receipt_ids(node)
        if status is not None and sender is not None and ids and is_own == (status == "sent_by_own_device"):
            recipient = (node.attr_jid("recipient") or sender).bare if is_own else sender.bare
            number = await desk.people.number_of(recipient)
            at = node.attr_int("t") or int(desk.options.now())
            await desk.tell(ReceiptReceived(ids, recipient, number, status, at))
        desk.acknowledge(node)

    # --- news

    async def _news(self, node: Node) -> None:
        named = [node.attr_jid(key) for key in ("from", "lid", "sender_lid")]
        names = [name for name in named if name is not None and name.user]
        if not names:
            return
        match node.attr("type"):
            case "devices":
                await self._devices(node, names)
            case "privacy_token":
                await self._token(node, names)
            case _:
                await self._new_identity(names)

    async def _devices(self, node: Node, names: list[Jid]) -> None:
        self._desk.people.forget_named(names)
        removed = node.child("remove")
        gone = [device.attr_jid("jid") for device in (removed.children("device")[:_MAX_REMOVED] if removed else [])]
        addresses = [
            address
            for device in gone
            if device is not None and device.device and device.user in {name.user for name in names}
            for address in await self._desk.addresses_of(device, *names)
        ]
        if addresses:
            async with self._desk.ratchets.lock:
                known = await self._desk.ratchets.load(addresses)
                await self._desk.commit(dict.fromkeys(known))

    async def _token(self, node: Node, names: list[Jid]) -> None:
        desk, key = self._desk, await self._token_key(names)
        newest = max(people_stanzas.read_tokens(node), key=lambda given: given[1], default=None)
        if newest is None:
            return
        token, at = newest
        async with desk.ratchets.lock:
            known = await kept(desk.store.token_of(key)) or TrustedToken()
            if at >= known.at:
                await desk.commit({}, StateChanges(tokens={key: TrustedToken(token, at, known.issued_at)}))
        desk.people.forget_named(names)

    async def _token_key(self, names: list[Jid]) -> str:
        lid = next((name.user for name in names if name.is_lid), None)
        return lid or await self._desk.people.lid_of(names[0].user) or names[0].user

    async def _new_identity(self, names: list[Jid]) -> None:
        """Somebody has a new phone: what we would encrypt for the old one nobody could read."""
        desk = self._desk
        addresses = await desk.addresses_of(names[0].with_device(0), *names[1:])
        async with desk.ratchets.lock:
            records = await desk.ratchets.load(addresses)
            if records:
                await desk.commit({address: record.without_current() for address, record in records.items()})
        desk.people.forget_named(names)
