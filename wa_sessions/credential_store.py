"""The engine's store, on our database: every secret sealed, every write owned, everything on disk when it returns."""

import base64
import dataclasses
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.db import connection, transaction

from outlets.models import Outlet
from wa_sessions.db import run_db_when_back
from wa_sessions.models import (
    Credential,
    LidMapping,
    PreKey,
    SentMessage,
    SignalSession,
    TrustedToken,
    WhatsAppSession,
)
from wa_sessions.ownership import Ownership, OwnershipLostError
from wa_sessions.vault import KeyLostError, seal, unseal
from whatsapp.credentials import Credentials, PreKey as EnginePreKey
from whatsapp.protocol.keys import new_pre_keys

R = TypeVar("R")


def dump_credentials(credentials: Credentials) -> bytes:
    """Credentials as JSON, bytes in base64. `load_dump` reads it back; fields added later take their defaults."""
    fields = dataclasses.asdict(credentials)
    coded = {name: {"b": base64.b64encode(v).decode()} if isinstance(v, bytes) else v for name, v in fields.items()}
    return json.dumps(coded, separators=(",", ":")).encode()


def load_dump(dump: bytes) -> Credentials:
    known = {field.name for field in dataclasses.fields(Credentials)}
    fields: dict[str, Any] = {
        name: base64.b64decode(value["b"]) if isinstance(value, dict) else value
        for name, value in json.loads(dump).items()
        if name in known
    }
    return Credentials(**fields)


class CredentialStore:
    """`whatsapp.store.Store` for one outlet.

    A write raises `OwnershipLostError` where another process owns the outlet by now: two processes that both save
    ratchets or pre-keys of one device would ruin it. While the database is away a call waits for it.
    """

    __slots__ = ("_is_fresh", "_ownership", "_session_id", "expected_number", "is_unreadable")

    def __init__(self, session_id: int, ownership: Ownership, *, is_fresh: bool = False) -> None:
        self._session_id = session_id
        self._ownership = ownership
        self._is_fresh = is_fresh  # to pair: what an earlier link may have left behind is not read
        self.expected_number = ""  # the outlet's number, as it was when the credentials were loaded
        self.is_unreadable = False  # there are credentials, and no key of ours opens them

    async def load_credentials(self) -> Credentials | None:
        """Raises `KeyLostError` if they cannot be opened."""
        row = None if self._is_fresh else await run_db_when_back(_credential_row, self._session_id)
        if row is None:
            return None
        sealed, self.expected_number = row
        try:
            return load_dump(unseal(sealed))
        except KeyLostError:
            self.is_unreadable = True
            raise

    async def save_credentials(self, credentials: Credentials) -> None:
        sealed = seal(dump_credentials(credentials))

        def save() -> None:
            row: dict[str, Any] = {"jid": credentials.jid or ""}
            if self._is_fresh:  # what the device before this one left behind
                row["linked_at"] = datetime.now(UTC)
                PreKey.objects.filter(session_id=self._session_id).delete()
                self._wipe_messages()
            Credential.objects.update_or_create(session_id=self._session_id, defaults={"sealed": sealed})
            WhatsAppSession.objects.filter(pk=self._session_id).update(**row)

        await self._write(save)
        self._is_fresh = False

    async def wipe(self) -> None:
        def wipe() -> None:
            self._wipe_messages()
            PreKey.objects.filter(session_id=self._session_id).delete()
            Credential.objects.filter(session_id=self._session_id).delete()
            WhatsAppSession.objects.filter(pk=self._session_id).update(jid="")

        await self._write(wipe)

    async def take_pre_keys(self, count: int) -> Sequence[EnginePreKey]:
        def take() -> list[EnginePreKey]:
            waiting = PreKey.objects.filter(session_id=self._session_id, is_uploaded=False).order_by("key_id")[:count]
            old = [EnginePreKey(row.key_id, unseal(row.sealed)) for row in waiting]
            credential = Credential.objects.get(session_id=self._session_id)
            first = credential.next_pre_key_id
            new = new_pre_keys(first, count - len(old)) if count > len(old) else []
            Credential.objects.filter(pk=credential.pk).update(next_pre_key_id=first + len(new))
            PreKey.objects.bulk_create(
                PreKey(session_id=self._session_id, key_id=key.key_id, sealed=seal(key.private)) for key in new
            )
            return [*old, *new]

        return await self._write(take)

    async def mark_pre_keys_uploaded(self, pre_keys: Sequence[EnginePreKey]) -> None:
        ids = [key.key_id for key in pre_keys]

        def mark() -> None:
            # A range, not a list: the ids of one upload follow each other but for gaps, and 812 of them are many.
            rows = PreKey.objects.filter(session_id=self._session_id, key_id__range=(min(ids), max(ids)))
            rows.update(is_uploaded=True)

        if ids:
            await self._write(mark)

    async def pre_key(self, key_id: int) -> EnginePreKey | None:
        def read() -> EnginePreKey | None:
            row = PreKey.objects.filter(session_id=self._session_id, key_id=key_id).first()
            return EnginePreKey(row.key_id, unseal(row.sealed)) if row else None

        return await run_db_when_back(read)

    async def remove_pre_key(self, key_id: int) -> None:
        await self._write(lambda: PreKey.objects.filter(session_id=self._session_id, key_id=key_id).delete())

    def _wipe_messages(self) -> None:
        """Forget ratchets and the like, in a thread and a transaction. See `message_store`."""
        for model in (SignalSession, LidMapping, TrustedToken, SentMessage):
            rows: Any = model._default_manager
            rows.filter(session_id=self._session_id).delete()

    async def _write(self, write: Callable[[], R]) -> R:
        def owned() -> R:
            with transaction.atomic():
                if not self._ownership.holds(self._session_id):
                    raise OwnershipLostError(self._session_id)
                return write()

        return await run_db_when_back(owned)


def _credential_row(session_id: int) -> tuple[bytes | memoryview, str] | None:
    # Every dial reads this, a thousand at once after an outage: built by the ORM it costs five times as much.
    with connection.cursor() as cursor:
        cursor.execute(_CREDENTIAL_SQL, [session_id])
        row: tuple[bytes | memoryview, str] | None = cursor.fetchone()
        return row


_CREDENTIAL_SQL = (
    f"SELECT c.sealed, o.whatsapp_number FROM {Credential._meta.db_table} c"  # noqa: S608
    f" JOIN {Outlet._meta.db_table} o ON o.id = c.session_id WHERE c.session_id = %s"
)
