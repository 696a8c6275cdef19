"""What the engine needs kept. The caller implements it; one store is one account."""

from collections.abc import Sequence
from typing import Protocol

from whatsapp.credentials import Credentials, PreKey


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
