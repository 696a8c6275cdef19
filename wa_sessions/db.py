"""Background database work: a few threads of its own, so that it neither waits behind requests nor holds them up."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import InterfaceError, OperationalError, close_old_connections

logger = logging.getLogger("wa_sessions")

P = ParamSpec("P")
R = TypeVar("R")

THREADS = 4

_pool = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="background-db")


async def run_db(fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call `fn` in a thread of the pool, with fresh database connections, and give back its result or its exception."""

    def work() -> R:
        close_old_connections()
        try:
            return fn(*args, **kwargs)
        finally:
            close_old_connections()

    return await asyncio.get_running_loop().run_in_executor(_pool, work)


DATABASE_AWAY = (OperationalError, InterfaceError)  # locked, gone, or not taking connections; psycopg's pool included
RETRY_S = 0.5


async def run_db_when_back(fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """`run_db`, tried again for as long as the database is away. `fn` must be safe to repeat when it failed."""
    while True:
        try:
            return await run_db(fn, *args, **kwargs)
        except DATABASE_AWAY as error:
            logger.warning("[WhatsApp] database is away (%s), trying again", type(error).__name__)
            await asyncio.sleep(RETRY_S)
