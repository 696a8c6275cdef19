"""What the engine needs kept. The caller implements it; one store is one account."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from whatsapp.credentials import Credentials, PreKey


@dataclass(frozen=True, slots=True)
class TrustedToken:
    """The trusted-contact tokens between us and one person (PROTOCOL.md §22)."""

    token: bytes = field(default=b"", repr=False)  # what they gave us; empty if nothing
    at: int = 0  # when they gave it, seconds since 1970
    issued_at: int = 0  # when we gave them one last; 0 for never


@dataclass(frozen=True, slots=True)
class SentMessage:
    """What is kept of a sent message, for devices that could not decrypt it and ask for it again."""

    message_id: str
    chat: str  # the account it was for: "123456789012345@lid" or "6287788987745@s.whatsapp.net"
    payload: bytes = field(repr=False)  # the plaintext; a secret like every other value of this store
    at: int = 0  # seconds since 1970


@dataclass(frozen=True, slots=True)
class StateChanges:
    """What belongs together: all of it is on disk, or none."""

    sessions: Mapping[str, bytes | None] = field(default_factory=dict, repr=False)  # address -> record; None forgets it
    used_pre_key: int | None = None  # the id of a one-time pre-key, to be removed
    lids: Mapping[str, str] = field(default_factory=dict)  # user of a number -> user of its LID
    tokens: Mapping[str, TrustedToken] = field(default_factory=dict)  # by user of the LID (of the number, without one)
    sent: SentMessage | None = None  # takes the place of an older one with that id


class Store(Protocol):
    """Durable memory of one account.

    Every method returns only when its effect is on disk: the engine tells the network nothing that a crash could
    make untrue. Methods may raise; the engine then ends the connection as TRANSIENT and nothing is half done.
    """

    async def load_credentials(self) -> Credentials | None:
        """The account's credentials, or None if it never began to pair (or was wiped)."""

    async def save_credentials(self, credentials: Credentials) -> None: ...

    async def wipe(self) -> None:
        """Forget credentials, pre-keys and all that hangs on them. The engine never calls it by itself."""

    async def take_pre_keys(self, count: int) -> Sequence[PreKey]:
        """`count` pre-keys that the server does not have yet: old ones first, then fresh ones; ids never come twice."""

    async def mark_pre_keys_uploaded(self, pre_keys: Sequence[PreKey]) -> None: ...

    async def pre_key(self, key_id: int) -> PreKey | None: ...

    async def remove_pre_key(self, key_id: int) -> None: ...

    # --- for messages; a client that neither sends nor gets any calls none of these

    async def load_sessions(self, addresses: Collection[str]) -> Mapping[str, bytes]:
        """The records of those addresses ("user_1.device") that have one. They are opaque, and secret."""

    async def commit(self, changes: StateChanges) -> None: ...

    async def lids_of(self, numbers: Collection[str]) -> Mapping[str, str]:
        """The known ones: user of a number ("6287788987745") -> user of its LID."""

    async def number_of_lid(self, lid: str) -> str | None:
        """The way back: the user of the number that a LID's user has."""

    async def token_of(self, lid: str) -> TrustedToken | None: ...

    async def tokens_of(self, lids: Collection[str]) -> Mapping[str, TrustedToken]:
        """The same for many, those that have one."""

    async def sent_message(self, message_id: str) -> SentMessage | None:
        """What was committed as `sent`; None once it is too old (days, not minutes)."""
