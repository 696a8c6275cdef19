"""Healthy is exactly five terms, in an outlet that is in use."""

from itertools import product

import pytest

from wa_sessions.health import checks_of, is_healthy
from wa_sessions.states import Status

TERMS = ("dbConnected", "liveConnected", "socketHasUser", "websocketOpen", "autoReconnect")


@pytest.mark.parametrize("terms", list(product([True, False], repeat=5)))
def test_it_is_healthy_only_when_all_five_hold(terms):
    db, live, user, is_open, auto = terms
    checks = checks_of(
        status=Status.CONNECTED if db else Status.PAUSED,
        live_status=Status.CONNECTED if live else Status.CONNECTING,
        has_user=user,
        is_open=is_open,
        auto_reconnect=auto,
    )
    assert checks == dict(zip(TERMS, terms, strict=True))
    assert is_healthy(checks, is_active=True) == all(terms)
    assert not is_healthy(checks, is_active=False)


@pytest.mark.parametrize("status", [*sorted(set(Status) - {Status.CONNECTED}), None])
def test_it_takes_no_other_status_for_connected(status):
    checks = checks_of(status=status, live_status="CONNECTED", has_user=True, is_open=True, auto_reconnect=True)
    assert not checks["dbConnected"]
