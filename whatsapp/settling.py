"""What a client does between login and being of use: pre-keys, active, presence (PROTOCOL.md §10, §14)."""

import asyncio
import dataclasses
from collections.abc import Awaitable
from typing import Any, TypeVar

from whatsapp.exceptions import StoreError
from whatsapp.line import Line
from whatsapp.log import log_raised
from whatsapp.options import ClientOptions
from whatsapp.protocol import stanzas
from whatsapp.protocol.connection import PRE_KEYS_LOW
from whatsapp.store import Store

T = TypeVar("T")


async def kept(work: Awaitable[T]) -> T:
    """Await the caller's store. Raises StoreError for whatever it raises."""
    try:
        return await work
    except Exception as error:
        raise StoreError(type(error).__name__) from error


async def settle(line: Line, store: Store, options: ClientOptions, name: str) -> None:
    """Everything up to the moment when stanzas flow. `name` is what others see us under; without one we stay unseen.

    Raises StoreError, QueryError, TimeoutError and NotConnectedError.
    """
    count = stanzas.count_of(await line.query(stanzas.pre_key_count()))
    if count < PRE_KEYS_LOW:
        await upload_pre_keys(line, store, options.pre_keys_refill if count else options.pre_keys_first)
    await line.query(stanzas.active())
    if name:
        line.send(stanzas.presence_available(name))


async def upload_pre_keys(line: Line, store: Store, count: int) -> None:
    """Give the server `count` more pre-keys; they are marked only once it took them. Raises as `settle`."""
    credentials = await kept(store.load_credentials())
    if credentials is None:
        raise StoreError("no credentials")
    pre_keys = await kept(store.take_pre_keys(count))
    # Hundreds of public keys take tens of milliseconds: off the loop.
    upload = await asyncio.to_thread(stanzas.pre_key_upload, credentials, pre_keys)
    await line.query(upload)
    await kept(store.mark_pre_keys_uploaded(pre_keys))


async def remember(store: Store, changes: dict[str, Any]) -> None:
    """Change fields of the stored credentials. Nothing hangs on them, so a failing store is only logged."""
    try:
        credentials = await kept(store.load_credentials())
        if credentials is None:
            return
        changed = dataclasses.replace(credentials, **changes)
        if changed != credentials:
            await kept(store.save_credentials(changed))
    except StoreError as error:
        log_raised("store", error.__cause__ or error)
