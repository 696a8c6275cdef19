"""What is known about one address: its identity, the session in use and those before it. Immutable.

The written form is a version byte and a protobuf. Sessions that are out of use stay in written form until a message
asks for them: most records have none, and those that have some are read and written far more often than searched.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from google.protobuf.message import DecodeError

from whatsapp.exceptions import RecordError
from whatsapp.protocol.curve import KEY_BYTES
from whatsapp.protocol.protobufs.signal_pb2 import StoredChain, StoredRecord, StoredSession

MAX_ARCHIVED: Final = 40
_VERSION: Final = b"\x01"


@dataclass(frozen=True, slots=True)
class ReceivingChain:
    """The messages that the peer sent between two of its turns of the ratchet."""

    ratchet_key: bytes  # the peer's public key
    chain_key: bytes = field(repr=False)
    next_counter: int
    skipped: Mapping[int, bytes] = field(repr=False)  # counter -> seed of the message's keys, in the order of counters


@dataclass(frozen=True, slots=True)
class Pending:
    """What the peer needs to begin the session too; goes with every message until one comes back."""

    base_key: bytes
    signed_pre_key_id: int
    pre_key_id: int | None


@dataclass(frozen=True, slots=True)
class Session:
    """One double ratchet. Keys are 32 bytes, without their type in front."""

    identity: bytes  # the peer's
    base_key: bytes  # the peer's, if the peer began the session; else empty
    registration_id: int  # the peer's
    root_key: bytes = field(repr=False)
    ratchet_private: bytes = field(repr=False)
    ratchet_public: bytes
    sending_key: bytes = field(repr=False)
    next_counter: int
    previous_counter: int  # of the last message of the sending chain before this one
    receiving: tuple[ReceivingChain, ...]  # oldest first
    pending: Pending | None

    def encode(self) -> bytes:
        stored = StoredSession(
            identity=self.identity,
            base_key=self.base_key,
            registration_id=self.registration_id,
            root_key=self.root_key,
            ratchet_private=self.ratchet_private,
            ratchet_public=self.ratchet_public,
            sending_key=self.sending_key,
            next_counter=self.next_counter,
            previous_counter=self.previous_counter,
        )
        for chain in self.receiving:
            stored.receiving.add(
                ratchet_key=chain.ratchet_key,
                chain_key=chain.chain_key,
                next_counter=chain.next_counter,
                skipped_counters=chain.skipped.keys(),
                skipped_keys=b"".join(chain.skipped.values()),
            )
        if self.pending is not None:
            stored.pending.base_key = self.pending.base_key
            stored.pending.signed_pre_key_id = self.pending.signed_pre_key_id
            if self.pending.pre_key_id is not None:
                stored.pending.pre_key_id = self.pending.pre_key_id
        return stored.SerializeToString()

    @classmethod
    def decode(cls, data: bytes) -> "Session":
        """Raises RecordError."""
        stored = StoredSession()
        try:
            stored.ParseFromString(data)
        except DecodeError:
            raise RecordError("not a session") from None
        pending = None
        if stored.HasField("pending"):
            its = stored.pending
            pre_key_id = its.pre_key_id if its.HasField("pre_key_id") else None
            pending = Pending(_key(its.base_key), its.signed_pre_key_id, pre_key_id)
        return cls(
            _key(stored.identity),
            stored.base_key and _key(stored.base_key),
            stored.registration_id,
            _key(stored.root_key),
            _key(stored.ratchet_private),
            _key(stored.ratchet_public),
            _key(stored.sending_key),
            stored.next_counter,
            stored.previous_counter,
            tuple(map(_decode_chain, stored.receiving)),
            pending,
        )


@dataclass(frozen=True, slots=True)
class Record:
    """All sessions with one address. Every one of them is with `identity`."""

    identity: bytes
    current: Session | None
    archived: tuple[bytes, ...] = ()  # encoded sessions, the one last in use first

    def encode(self) -> bytes:
        current = None if self.current is None else self.current.encode()
        return (
            _VERSION + StoredRecord(identity=self.identity, current=current, archived=self.archived).SerializeToString()
        )

    @classmethod
    def decode(cls, data: bytes) -> "Record":
        """Read what `encode` gave. Raises RecordError; for archived sessions only when one is looked at."""
        if data[:1] != _VERSION:
            raise RecordError("written by another version")
        stored = StoredRecord()
        try:
            stored.ParseFromString(data[1:])
        except DecodeError:
            raise RecordError("not a record") from None
        current = Session.decode(stored.current) if stored.HasField("current") else None
        return cls(_key(stored.identity), current, tuple(stored.archived))

    def sessions(self) -> Iterator[tuple[int, Session]]:
        """Places and sessions, the one in use first; its place is -1, those of the archived ones count from 0.

        An archived session that cannot be read is passed over.
        """
        if self.current is not None:
            yield -1, self.current
        for place, data in enumerate(self.archived):
            try:
                yield place, Session.decode(data)
            except RecordError:
                continue

    def with_current(self, session: Session) -> "Record":
        """The session in use went on."""
        return replace(self, current=session)

    def with_archived(self, place: int, session: Session) -> "Record":
        """The archived session at `place` went on; if that means that the peer uses it, it becomes the one in use.

        As long as the peer did not answer in a session that we began, the message is one that was under way before.
        """
        before, rest = self.archived[:place], self.archived[place + 1 :]
        if self.current is not None and self.current.pending is not None:
            return replace(self, archived=(*before, session.encode(), *rest))
        rest = before + rest
        return Record(self.identity, session, self._archive(rest))

    def without_current(self) -> "Record":
        """No session is in use: the next message needs a new one. What is under way can still be decrypted."""
        return Record(self.identity, None, self._archive(self.archived))

    def _archive(self, archived: tuple[bytes, ...]) -> tuple[bytes, ...]:
        if self.current is not None:
            archived = (self.current.encode(), *archived)
        return archived[:MAX_ARCHIVED]

    def begun(self, session: Session) -> "Record":
        """A new session is in use. If it is with another identity, everything before it is forgotten."""
        if session.identity != self.identity:
            return Record(session.identity, session)
        return Record(self.identity, session, self._archive(self.archived))


def _decode_chain(stored: StoredChain) -> ReceivingChain:
    counters, keys = stored.skipped_counters, stored.skipped_keys
    if len(keys) != KEY_BYTES * len(counters):
        raise RecordError("counters without keys")
    skipped = {
        counter: keys[start : start + KEY_BYTES]
        for counter, start in zip(counters, range(0, len(keys), KEY_BYTES), strict=True)
    }
    return ReceivingChain(_key(stored.ratchet_key), _key(stored.chain_key), stored.next_counter, skipped)


def _key(value: bytes) -> bytes:
    if len(value) != KEY_BYTES:
        raise RecordError("not a key")
    return value
