"""The engine's store for messages: ratchets, LIDs, tokens and what was sent, all sealed, every write owned.

Messages of all outlets are committed together (`group`): one transaction takes the states of all that are being sent
or received at that moment.
"""

import base64
import json
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Model

from wa_sessions.credential_store import CredentialStore
from wa_sessions.db import run_db_when_back
from wa_sessions.group import GroupCommit
from wa_sessions.models import LidMapping, PreKey, SentMessage, SignalSession, TrustedToken
from wa_sessions.ownership import Ownership, OwnershipLostError, holding
from wa_sessions.vault import KeyLostError, seal, unseal
from whatsapp import store as engine

SENT_KEPT = timedelta(days=7)  # how long a recipient may ask again for what could not be decrypted
PRUNED_AT_ONCE = 1000
ROWS_A_STATEMENT = 5000  # at most five parameters a row; SQLite takes 32,766


@dataclass(frozen=True, slots=True)
class Commit:
    """One outlet's changes, on their way into a transaction."""

    session_id: int
    ownership: Ownership
    changes: engine.StateChanges


class MessageStore(CredentialStore):
    """`whatsapp.store.Store` for one outlet, whole."""

    __slots__ = ("_group",)

    def __init__(self, session_id: int, ownership: Ownership, group: GroupCommit, *, is_fresh: bool = False) -> None:
        super().__init__(session_id, ownership, is_fresh=is_fresh)
        self._group = group

    async def commit(self, changes: engine.StateChanges) -> None:
        await self._group.write(commits_write, Commit(self._session_id, self._ownership, changes))

    async def load_sessions(self, addresses: Collection[str]) -> Mapping[str, bytes]:
        return await run_db_when_back(_sessions, self._session_id, list(addresses)) if addresses else {}

    async def lids_of(self, numbers: Collection[str]) -> Mapping[str, str]:
        def read() -> dict[str, str]:
            rows = LidMapping.objects.filter(session_id=self._session_id, number__in=list(numbers))
            return dict(rows.values_list("number", "lid"))

        return await run_db_when_back(read) if numbers else {}

    async def number_of_lid(self, lid: str) -> str | None:
        def read() -> str | None:
            rows = LidMapping.objects.filter(session_id=self._session_id, lid=lid).order_by("-pk")
            return rows.values_list("number", flat=True).first()

        return await run_db_when_back(read)

    async def token_of(self, lid: str) -> engine.TrustedToken | None:
        def read() -> engine.TrustedToken | None:
            rows = TrustedToken.objects.filter(session_id=self._session_id, lid=lid)
            fields = _opened(rows.values_list("sealed", flat=True).first())
            return engine.TrustedToken(**fields) if fields else None

        return await run_db_when_back(read)

    async def tokens_of(self, lids: Collection[str]) -> Mapping[str, engine.TrustedToken]:
        def read() -> dict[str, engine.TrustedToken]:
            rows = TrustedToken.objects.filter(session_id=self._session_id, lid__in=list(lids))
            opened = {lid: _opened(sealed) for lid, sealed in rows.values_list("lid", "sealed")}
            return {lid: engine.TrustedToken(**fields) for lid, fields in opened.items() if fields}

        return await run_db_when_back(read) if lids else {}

    async def sent_message(self, message_id: str) -> engine.SentMessage | None:
        def read() -> engine.SentMessage | None:
            rows = SentMessage.objects.filter(
                session_id=self._session_id, message_id=message_id, at__gt=datetime.now(UTC) - SENT_KEPT
            )
            fields = _opened(rows.values_list("sealed", flat=True).first())
            return engine.SentMessage(message_id=message_id, **fields) if fields else None

        return await run_db_when_back(read)


def sent_messages_prune() -> int:
    """Delete some of what was sent too long ago to be asked for. Returns how many; call it until that is few."""
    old = SentMessage.objects.filter(at__lte=datetime.now(UTC) - SENT_KEPT).order_by("at")
    pks = list(old.values_list("pk", flat=True)[:PRUNED_AT_ONCE])
    return SentMessage.objects.filter(pk__in=pks).delete()[0] if pks else 0


def commits_write(commits: Sequence[Commit]) -> list[Exception | None]:
    """Write the changes of many outlets, in their order; a few statements, however many. See `group.Write`."""
    held = holding({commit.session_id: commit.ownership for commit in commits})
    sessions: dict[tuple[int, str], bytes | None] = {}
    lids: dict[tuple[int, str], str] = {}
    tokens: dict[tuple[int, str], engine.TrustedToken] = {}
    sent: dict[tuple[int, str], engine.SentMessage] = {}
    results: list[Exception | None] = []
    for commit in commits:
        pk, changes = commit.session_id, commit.changes
        if held.get(pk) != commit.ownership:
            results.append(OwnershipLostError(pk))
            continue
        results.append(None)
        sessions |= {(pk, address): record for address, record in changes.sessions.items()}
        lids |= {(pk, number): lid for number, lid in changes.lids.items()}
        tokens |= {(pk, lid): token for lid, token in changes.tokens.items()}
        if changes.sent is not None:
            sent[pk, changes.sent.message_id] = changes.sent
        if changes.used_pre_key is not None:
            PreKey.objects.filter(session_id=pk, key_id=changes.used_pre_key).delete()
    for (pk, address), record in sessions.items():
        if record is None:
            SignalSession.objects.filter(session_id=pk, address=address).delete()
    kept = (((pk, address), record) for (pk, address), record in sessions.items() if record is not None)
    _upsert(SignalSession, ("session", "address"), ("sealed",), ((*key, seal(record)) for key, record in kept))
    _upsert(LidMapping, ("session", "number"), ("lid",), ((*key, lid) for key, lid in lids.items()))
    _upsert(
        TrustedToken, ("session", "lid"), ("sealed",), ((*key, _sealed_token(each)) for key, each in tokens.items())
    )
    _upsert(
        SentMessage,
        ("session", "message_id"),
        ("sealed", "at"),
        ((*key, _sealed_sent(each), datetime.fromtimestamp(each.at or time.time(), UTC)) for key, each in sent.items()),
    )
    return results


def _upsert(model: type[Model], unique: Sequence[str], more: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert `rows` (values of the fields `unique` and `more`), or write `more` into those that are there."""
    values = list(rows)
    fields: list[Any] = [model._meta.get_field(name) for name in (*unique, *more)]
    quote = connection.ops.quote_name
    columns = [quote(field.column) for field in fields]
    sets = ", ".join(f"{column} = excluded.{column}" for column in columns[len(unique) :])
    place = f"({', '.join(['%s'] * len(fields))})"
    for start in range(0, len(values), ROWS_A_STATEMENT):
        part = values[start : start + ROWS_A_STATEMENT]
        sql = (
            f"INSERT INTO {quote(model._meta.db_table)} ({', '.join(columns)}) VALUES {', '.join([place] * len(part))}"  # noqa: S608
            f" ON CONFLICT ({', '.join(columns[: len(unique)])}) DO UPDATE SET {sets}"
        )
        params = [
            field.get_db_prep_save(value, connection) for row in part for field, value in zip(fields, row, strict=True)
        ]
        with connection.cursor() as cursor:
            cursor.execute(sql, params)


def _sessions(session_id: int, addresses: Sequence[str]) -> dict[str, bytes]:
    # Every message reads this; built by the ORM it costs twice as much.
    sql = (
        f"SELECT address, sealed FROM {SignalSession._meta.db_table}"  # noqa: S608
        f" WHERE session_id = %s AND address IN ({', '.join(['%s'] * len(addresses))})"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [session_id, *addresses])
        found = cursor.fetchall()
    records = {}
    for address, sealed in found:
        try:
            records[address] = unseal(sealed)
        except KeyLostError:  # no key of ours opens it: as if there were none, a new one is agreed on
            continue
    return records


def _sealed_token(token: engine.TrustedToken) -> bytes:
    return _sealed({"token": token.token, "at": token.at, "issued_at": token.issued_at})


def _sealed_sent(sent: engine.SentMessage) -> bytes:
    return _sealed({"chat": sent.chat, "payload": sent.payload, "at": sent.at})


def _sealed(fields: Mapping[str, Any]) -> bytes:
    coded = {name: {"b": base64.b64encode(v).decode()} if isinstance(v, bytes) else v for name, v in fields.items()}
    return seal(json.dumps(coded, separators=(",", ":")).encode())


def _opened(sealed: bytes | memoryview | None) -> dict[str, Any] | None:
    if sealed is None:
        return None
    try:
        fields = json.loads(unseal(sealed))
    except KeyLostError:
        return None
    return {name: base64.b64decode(v["b"]) if isinstance(v, dict) else v for name, v in fields.items()}
