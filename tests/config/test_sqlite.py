"""Threads that wait for SQLite's lock hold up nobody else."""

import gc
import threading
import time

import pytest
from django.db import OperationalError, connection, transaction

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="of SQLite"),
]


def test_garbage_of_a_failed_begin_is_collected_at_once_by_another_thread():
    again = threading.Event()

    def wait_in_vain(times):
        for _ in range(times):
            with pytest.raises(OperationalError, match="locked"), transaction.atomic():
                pass
            again.set()
        connection.close()

    gc.freeze()  # only what is made from here on is looked at
    with transaction.atomic():  # holds the lock
        waiting = threading.Thread(target=wait_in_vain, args=(2,))
        waiting.start()
        assert again.wait(5)
        time.sleep(0.1)  # it waits anew
        began = time.monotonic()
        gc.collect()
        took = time.monotonic() - began
        waiting.join()
    gc.unfreeze()
    assert took < 0.5
