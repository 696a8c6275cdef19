"""The one door to the channel layer: "the status of outlet 7 may have changed", "blast 3 may have".

A hint carries ids, never data: whoever hears it asks the status again and meets the role filter there. So a hint may
be lost, doubled or late without harm, and nothing here ever raises or waits.

Two ways lead on from here. Hubs of this process (`subscribe`) are called directly. Other processes are reached over the
channel layer, if there is one that leaves the process: one message for each burst, not one for each browser.
"""

import asyncio
import logging
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Collection
from typing import Any, NamedTuple

from channels.layers import InMemoryChannelLayer, get_channel_layer

logger = logging.getLogger("wa_sessions")

GROUP = "gerai.hubs"
RELAY_GAP_S = 0.02  # hints within this time leave as one message
RELAY_MAX_IDS = 500  # ids in one message; a larger burst leaves as several
REJOIN_S = 3600.0  # a layer forgets members of a group in time (channels: after a day)
LISTEN_RETRY_S = 2.0


class Hints(NamedTuple):
    """Public keys of outlets whose status may have changed, and of accounts whose rights may have.

    And of blasts that may have, each with the one outlet that it concerns; None where there are several.
    """

    outlets: frozenset[int] = frozenset()
    users: frozenset[int] = frozenset()
    blasts: frozenset[tuple[int, int | None]] = frozenset()


Listener = Callable[[Hints], None]

_lock = threading.Lock()
_listeners: tuple[Listener, ...] = ()  # replaced whole, so that it is read without the lock
_process = secrets.token_hex(8)  # who sent a message: a process does not listen to itself


def session_changed(outlet_pk: int) -> None:
    """Tell every open page that this outlet's status may have changed. From any thread; never raises, never waits."""
    _tell(Hints(outlets=frozenset((outlet_pk,))))


def blast_changed(blast_pk: int, outlets: Collection[int]) -> None:
    """Tell the open pages that may see all of `outlets` that this blast may have changed. As `session_changed`."""
    _tell(Hints(blasts=frozenset(((blast_pk, next(iter(outlets)) if len(outlets) == 1 else None),))))


def account_changed(user_pk: int) -> None:
    """Have this account's open WebSockets checked at once instead of within a second. As `session_changed`."""
    _tell(Hints(users=frozenset((user_pk,))))


def subscribe(listener: Listener) -> None:
    """Have `listener` called for each hint, in the thread where it arises: it must only take a note."""
    global _listeners
    with _lock:
        _listeners = (*_listeners, listener)


def unsubscribe(listener: Listener) -> None:
    global _listeners
    with _lock:
        _listeners = tuple(known for known in _listeners if known != listener)


async def remote_hints() -> AsyncIterator[Hints]:
    """Hints of other processes, for ever. Ends at once where no layer leaves this process; outages are waited out."""
    layer = _far_layer()
    if layer is None:
        return
    while True:
        channel = None
        try:
            channel = await layer.new_channel("hub")
            async for hints in _listen(layer, channel):
                yield hints
        except Exception as error:
            logger.warning("Channel layer: not listening for %.0f s (%s)", LISTEN_RETRY_S, type(error).__name__)
            await asyncio.sleep(LISTEN_RETRY_S)
        finally:
            if channel is not None:
                await _leave(layer, channel)


async def _listen(layer: Any, channel: str) -> AsyncIterator[Hints]:
    loop = asyncio.get_running_loop()
    rejoin_at = 0.0
    while True:
        if loop.time() >= rejoin_at:
            await layer.group_add(GROUP, channel)
            rejoin_at = loop.time() + REJOIN_S
        try:
            async with asyncio.timeout(REJOIN_S):
                message = await layer.receive(channel)
        except TimeoutError:
            continue
        if message.get("from") != _process:
            blasts = frozenset((blast, outlet) for blast, outlet in message.get("blasts", ()))
            yield Hints(frozenset(message.get("outlets", ())), frozenset(message.get("users", ())), blasts)


async def _leave(layer: Any, channel: str) -> None:
    try:
        await layer.group_discard(GROUP, channel)
    except Exception:
        logger.debug("Channel layer: the group could not be left")


def _tell(hints: Hints) -> None:
    try:
        for listener in _listeners:
            listener(hints)
        if _far_layer() is not None:
            _relay.add(hints)
    except Exception:  # a hint must never break the writer who gave it
        logger.exception("A hint was lost")


def _far_layer() -> Any:
    """The channel layer, if it leads out of this process."""
    layer = get_channel_layer()
    return None if layer is None or type(layer) is InMemoryChannelLayer else layer


class _Relay:
    """Sends hints to other processes from a thread of its own.

    Its own, because writers call from request threads, from the manager's loop and from commands that have no loop; the
    layer keeps its connections per loop, and a Redis that hangs must hold up none of them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._outlets: set[int] = set()  # noted, not yet sent
        self._users: set[int] = set()
        self._blasts: set[tuple[int, int | None]] = set()
        self._is_due = False  # a send of the notes is already under way
        self._loop: asyncio.AbstractEventLoop | None = None

    def add(self, hints: Hints) -> None:
        with self._lock:
            self._outlets |= hints.outlets
            self._users |= hints.users
            self._blasts |= hints.blasts
            if self._is_due:
                return
            self._is_due = True
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="hint-relay", daemon=True).start()
            asyncio.run_coroutine_threadsafe(self._send(), self._loop)

    async def _send(self) -> None:
        await asyncio.sleep(RELAY_GAP_S)
        with self._lock:
            outlets, self._outlets = sorted(self._outlets), set()
            users, self._users = sorted(self._users), set()
            blasts, self._blasts = list(self._blasts), set()
            self._is_due = False
        for start in range(0, max(len(outlets), len(users), len(blasts)), RELAY_MAX_IDS):
            part = slice(start, start + RELAY_MAX_IDS)
            message = {
                "type": "hints",
                "from": _process,
                "outlets": outlets[part],
                "users": users[part],
                "blasts": [list(pair) for pair in blasts[part]],
            }
            try:
                async with asyncio.timeout(LISTEN_RETRY_S):
                    await get_channel_layer().group_send(GROUP, message)
            except Exception as error:
                logger.warning("Channel layer: a hint was not sent (%s)", type(error).__name__)


_relay = _Relay()
