"""Starting and stopping the session manager with the ASGI server, whichever one it is.

uvicorn and most others send lifespan events. Daphne sends none: there the hooks hang on Twisted's reactor, whose loop
is the one that serves. Both ways call `start` and `stop` once. Programs that serve nothing never come here.
"""

import asyncio
import gc
import logging
import sys
from collections.abc import Awaitable, Callable
from typing import Any

logger = logging.getLogger("config.lifecycle")

STOP_WITHIN_S = 15.0


class Lifecycle:
    """The manager's two ends, each at most once per process."""

    def __init__(self) -> None:
        self._is_started = False
        self._is_stopped = False

    async def start(self) -> None:
        """Start the manager on the running loop. Raises what it raises: a server without it would tell lies."""
        if self._is_started:
            return
        self._is_started = True
        from blast import worker  # here, since Django is set up only by now
        from wa_sessions import manager

        _calm_the_interpreter()
        await manager.start()
        worker.start()  # before the loop turns: what comes for the outlets must be heard from the first message on

    async def stop(self) -> None:
        """Stop the manager, within a bound: whoever ends us may be about to kill."""
        if not self._is_started or self._is_stopped:
            return
        self._is_stopped = True
        from blast import worker
        from wa_sessions import manager

        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                await worker.stop()
                await manager.stop()
        except TimeoutError:
            logger.error("The sessions did not stop within %d s", STOP_WITHIN_S)
        finally:
            worker.close()

    def hang_on_reactor(self) -> None:
        """Hook start and stop into Daphne, where this process runs under it."""
        reactor = sys.modules.get("twisted.internet.reactor")
        if reactor is None:
            return
        reactor.callLater(0, self._start_under_daphne, reactor)
        reactor.addSystemEventTrigger("before", "shutdown", self._stop_under_daphne)

    def _start_under_daphne(self, reactor: Any) -> None:
        def started(task: asyncio.Task[None]) -> None:
            if not task.cancelled() and task.exception():
                logger.critical("The sessions could not be started", exc_info=task.exception())
                self.failed = True
                reactor.stop()

        asyncio.ensure_future(self.start()).add_done_callback(started)

    def _stop_under_daphne(self) -> Any:
        from twisted.internet.defer import Deferred

        return Deferred.fromFuture(asyncio.ensure_future(self.stop()))

    failed = False  # whether the start failed; `serve` then exits with an error

    async def lifespan(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        """The ASGI application for the scope "lifespan"."""
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    await self.start()
                except Exception as error:
                    logger.critical("The sessions could not be started", exc_info=True)
                    await send({"type": "lifespan.startup.failed", "message": type(error).__name__})
                    return
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return


def _calm_the_interpreter() -> None:
    """Settings of the interpreter for one loop with many sockets beside busy threads.

    Threads hand over after 0.5 ms instead of 5 (with 2,000 sockets under load, loop lag p99 was 60 to 85 ms with 5, and
    5 to 59 ms with 0.5, on a machine that others kept busy), and what the imports made
    is kept out of every later garbage collection.
    """
    sys.setswitchinterval(0.0005)
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
