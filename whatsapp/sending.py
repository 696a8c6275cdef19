"""Sending one message: to all devices of a person and to our own others, one message at a time (PROTOCOL.md §16)."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final

from whatsapp.desk import Desk
from whatsapp.exceptions import NotOnWhatsAppError, QueryError, SendRefusedError
from whatsapp.people import Person, normal
from whatsapp.protocol import message_stanzas, messages, people_stanzas
from whatsapp.protocol.jid import Jid
from whatsapp.protocol.messages import Content
from whatsapp.protocol.nodes import Node
from whatsapp.protocol.people_stanzas import signal_address
from whatsapp.protocol.signal import cipher
from whatsapp.protocol.signal.records import Record
from whatsapp.protocol.signal.x3dh import Bundle
from whatsapp.store import SentMessage, StateChanges, TrustedToken

STALE_DEVICES: Final = 479  # the list of devices that a message was made for is out of date
_UNNAMED_REFUSAL: Final = 400
_NO_KEYS: Final = 404
_PREPARED_AT_ONCE: Final = 50  # persons: two queries and one commit
_TOKEN_BUCKET_S: Final = 604_800
_TOKEN_BUCKETS: Final = 4  # a token is good in the one that it is from and the three after that


@dataclass(frozen=True, slots=True)
class Sent:
    """The server took the message."""

    at: int  # when, seconds since 1970


@dataclass(frozen=True, slots=True)
class _Letter:
    """What is to be sent."""

    message_id: str
    kind: str  # the `type` of the stanza
    media_type: str | None
    payload: bytes


@dataclass(frozen=True, slots=True)
class _Audience:
    """The devices that a message is for."""

    theirs: tuple[Jid, ...]
    own: tuple[Jid, ...]  # our others, which get copies
    is_own_chat: bool  # it is for ourselves


class Sender:
    """`send` raises what `Client.send_message` says, and StoreError."""

    __slots__ = ("_desk", "_one_at_a_time")

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._one_at_a_time = asyncio.Lock()

    async def send(self, to: Jid, content: Content, message_id: str) -> Sent:
        if not message_id:
            raise ValueError("a message needs an id")
        letter = _Letter(
            message_id, messages.stanza_type(content), messages.media_type(content), messages.encode(content)
        )
        async with self._one_at_a_time:
            person = await self._person(to)
            ack = await self._transmit(person, letter)
            if _refusal(ack) == STALE_DEVICES:
                self._desk.people.forget_named([person.chat])
                self._desk.people.forget_me()
                person = await self._person(to)
                ack = await self._transmit(person, letter)
        code = _refusal(ack)
        if code is not None:
            raise SendRefusedError(code)
        return Sent(ack.attr_int("t") or int(self._desk.options.now()))

    async def show_typing(self, to: Jid, seconds: float) -> None:
        """See `Client.show_typing`."""
        person = await self._person(to)
        self._desk.line.send(message_stanzas.chat_state(person.chat, "composing"))
        await asyncio.sleep(seconds)
        self._desk.line.send(message_stanzas.chat_state(person.chat, "paused"))

    async def prepare(self, recipients: Collection[Jid]) -> dict[Jid, bool]:
        """See `Client.prepare`."""
        found: dict[Jid, bool] = {}
        wanted = [*dict.fromkeys(recipients)]
        for start in range(0, len(wanted), _PREPARED_AT_ONCE):
            found.update(await self._prepare(wanted[start : start + _PREPARED_AT_ONCE]))
        return found

    async def _prepare(self, recipients: Collection[Jid]) -> dict[Jid, bool]:
        desk = self._desk
        people = await desk.people.find(recipients)
        found = {user: people.get(normal(user)) for user in recipients}
        known = [person for person in found.values() if person is not None]
        await desk.people.look_up_tokens(known)
        devices = {device for person in known for device in person.devices}
        if devices:
            devices.update(await desk.people.own_devices(next(iter(devices))))
        async with desk.ratchets.lock:
            records = await desk.ratchets.load([signal_address(device) for device in devices])
        bundles = await desk.fetch_bundles(_without_session(devices, records))
        async with desk.ratchets.lock:
            records = await desk.ratchets.load([signal_address(device) for device in bundles])
            await desk.commit(await desk.with_sessions(bundles, records, bundles))
        return {user: person is not None for user, person in found.items()}

    async def _person(self, to: Jid) -> Person:
        person = (await self._desk.people.find([to])).get(normal(to))
        if person is None:
            raise NotOnWhatsAppError(f"nobody has the address {to.bare}")
        return person

    # --- one attempt

    async def _transmit(self, person: Person, letter: _Letter) -> Node:
        """Encrypt, keep, write; gives the server's ack."""
        desk = self._desk
        now = int(desk.options.now())
        audience = await self._audience(person)
        token = TrustedToken() if audience.is_own_chat else await desk.people.token(person)
        issues = not audience.is_own_chat and now // _TOKEN_BUCKET_S > token.issued_at // _TOKEN_BUCKET_S
        changes = StateChanges(
            tokens={person.token_key: replace(token, issued_at=now)} if issues else {},
            sent=SentMessage(letter.message_id, str(person.chat), letter.payload, now),
        )
        parts = await self._encrypt(person.chat, audience, letter, changes)
        if issues:
            person.token = changes.tokens[person.token_key]
        stanza = message_stanzas.message(
            person.chat,
            letter.message_id,
            letter.kind,
            parts,
            number=person.number,
            device_identity=_identity_for(parts, desk.account.device_identity),
            token=_good(token, now),
        )
        ack = await desk.line.acknowledged(stanza, desk.options.ack_timeout_s)
        if _refusal(ack) is None:
            self._compare_devices(person.chat, audience, ack)
            if issues:
                desk.line.post(people_stanzas.issue_token(person.chat, now))
        elif issues:  # it was written down ahead, to spare a commit for each message
            async with desk.ratchets.lock:
                await desk.commit({}, StateChanges(tokens={person.token_key: token}))
            person.token = token
        return ack

    async def _audience(self, person: Person) -> _Audience:
        own = await self._desk.people.own_devices(person.chat)
        is_own_chat = person.chat.user in self._desk.account.users
        return _Audience(() if is_own_chat else person.devices, own, is_own_chat)

    async def _encrypt(
        self, chat: Jid, audience: _Audience, letter: _Letter, changes: StateChanges
    ) -> list[tuple[Jid, Node]]:
        """The parts for all devices that have keys; what was done to get them is in the store then."""
        desk = self._desk
        devices = (*audience.theirs, *audience.own)
        addresses = [signal_address(device) for device in devices]
        bundles: dict[Jid, Bundle | int] = {}
        while True:
            async with desk.ratchets.lock:
                records = await desk.ratchets.load(addresses)
                missing = [device for device in _without_session(devices, records) if device not in bundles]
                if not missing:
                    begun = await desk.with_sessions(devices, records, bundles)
                    changed, parts = self._seal(chat, audience, letter, {**records, **begun})
                    reached = {device for device, _ in parts}
                    if reached.isdisjoint(audience.theirs) and not audience.is_own_chat:
                        errors = [found for found in bundles.values() if isinstance(found, int)]
                        raise QueryError(errors[0] if errors else _NO_KEYS, "no keys for the recipient's devices")
                    await desk.commit(changed, changes)
                    return parts
            # Not under the lock: what arrives meanwhile is decrypted meanwhile.
            bundles.update(await desk.fetch_bundles(missing))

    def _seal(
        self, chat: Jid, audience: _Audience, letter: _Letter, records: Mapping[str, Record]
    ) -> tuple[dict[str, Record], list[tuple[Jid, Node]]]:
        keys = self._desk.account.keys
        copy = messages.own_copy(letter.payload, chat) if audience.own else b""
        changed: dict[str, Record] = {}
        parts = []
        for devices, payload in ((audience.theirs, letter.payload), (audience.own, copy)):
            for device in devices:
                address = signal_address(device)
                record = records.get(address)
                if record is not None and record.current is not None and address not in changed:
                    done = cipher.encrypt(record, messages.pad(payload), keys)
                    changed[address] = done.record
                    parts.append((device, message_stanzas.encrypted(done.kind, done.data, letter.media_type)))
        return changed, parts

    def _compare_devices(self, chat: Jid, audience: _Audience, ack: Node) -> None:
        """The server names the devices that it delivered to. If they are others, the next message asks for them."""
        theirs = ack.attr("phash")
        if not theirs:
            return
        people = self._desk.people
        devices = [*audience.theirs, *audience.own]
        if theirs not in map(messages.participants_hash, (devices, [*devices, people.this_device(chat)])):
            people.forget_named([chat])
            people.forget_me()


def _without_session(devices: Collection[Jid], records: Mapping[str, Record]) -> list[Jid]:
    found = []
    for device in devices:
        record = records.get(signal_address(device))
        if record is None or record.current is None:
            found.append(device)
    return found


def _identity_for(parts: Collection[tuple[Jid, Node]], device_identity: bytes) -> bytes | None:
    begins = any(part.attr("type") == cipher.PRE_KEY_MESSAGE for _, part in parts)
    return device_identity if begins else None


def _refusal(ack: Node) -> int | None:
    return (ack.attr_int("error") or _UNNAMED_REFUSAL) if ack.attr("error") else None


def _good(token: TrustedToken, now: int) -> bytes:
    """The token, unless it is too old."""
    oldest = (now // _TOKEN_BUCKET_S - (_TOKEN_BUCKETS - 1)) * _TOKEN_BUCKET_S
    return token.token if token.at >= oldest else b""
