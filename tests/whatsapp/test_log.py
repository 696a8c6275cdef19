"""What is said at an end, and how loud."""

import logging

import pytest

from whatsapp.ends import End, EndKind
from whatsapp.log import log_end, log_raised
from whatsapp.protocol.ends import http_end, local_end


@pytest.mark.parametrize(
    ("end", "level", "line"),
    [
        (End(EndKind.REPLACED, 440, "stream_error", detail="conflict"), "ERROR", "Stream Errored (conflict)"),
        (End(EndKind.TRANSIENT, 503, "stream_error", detail="503"), "ERROR", "Stream Errored (503)"),
        (End(EndKind.TRANSIENT, None, "stream_error", detail="a\nb\x1b[31m"), "ERROR", "Stream Errored (ab[31m)"),
        (End(EndKind.BANNED, 406, "failure"), "ERROR", "Login refused (banned 406)"),
        (local_end("keepalive"), "ERROR", "Connection Errored (keepalive 408)"),
        (local_end("bad_node", detail="tag 241"), "ERROR", "Connection Errored (bad_node)"),
        (
            End(EndKind.RESTART, 515, "stream_error", detail="515"),
            "INFO",
            "Connection ended: stream_error 515 (restart)",
        ),
        (local_end("closed_by_us"), "INFO", "Connection ended: closed_by_us (closed)"),
        (local_end("not_scanned"), "INFO", "Connection ended: not_scanned 408 (not_scanned)"),
        (http_end(503), "INFO", "Connection ended: http 503 (transient)"),
        (local_end("dns"), "INFO", "Connection ended: dns (transient)"),
    ],
)
def test_an_end(caplog, end, level, line):
    caplog.set_level(logging.DEBUG, logger="whatsapp")
    log_end(end)
    (record,) = caplog.records
    prefix = "[WhatsApp Error] " if level == "ERROR" else "[WhatsApp] "
    assert (record.levelname, record.getMessage(), record.name) == (level, prefix + line, "whatsapp")


def test_an_exception_is_named_and_placed_but_not_quoted(caplog):
    try:
        raise ValueError("key=abcdef")
    except ValueError as error:
        log_raised("store", error)
    assert "store raised ValueError (test_log.py:" in caplog.text
    assert "abcdef" not in caplog.text
