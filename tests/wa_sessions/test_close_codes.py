"""The whole table of ends over real sockets: what the row says, whether the keys stay, and how often is dialled then.

Each row of a table is an outlet of its own, and all outlets of a table suffer at the same time: what happens to one
must not show in another.
"""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from outlets.models import Outlet
from tests.cast import OutletFactory
from tests.wa_sessions.house import House, open_house
from wa_sessions.models import Credential
from wa_sessions.states import Intent

pytestmark = pytest.mark.django_db(transaction=True)

WINDOW_S = 1.0  # after the last change; no dial may follow in it where none is allowed. Retries come after 0.1 s.


@dataclass
class Case:
    """A fault, and what follows from it."""

    fault: tuple[str, dict[str, Any]]
    status: str
    cause: str
    dials: int  # from the fault to the end of the window
    keeps_keys: bool = True
    retries: int = 0  # in the row, at the end
    detail: dict[str, Any] = field(default_factory=dict)


def stopped(kind: str, cause: str, *, dials: int, keeps_keys: bool = True, code: int | None = None, **how: Any) -> Case:
    detail = {} if code is None else {"code": code}
    return Case((kind, how), "FAILED", cause, dials, keeps_keys, detail=detail)


def healed(kind: str, **how: Any) -> Case:
    return Case((kind, how), "CONNECTED", "", dials=1)


ON_AN_OPEN_CONNECTION = {
    "401 device removed": stopped(
        "stream_error", "unlinked", dials=0, keeps_keys=False, code=401, conflict="device_removed"
    ),
    "401": Case(("stream_error", {"code": 401}), "FAILED", "unlinked", 0, False, detail={"code": 401}),
    "402": Case(("stream_error", {"code": 402}), "FAILED", "temporary_ban", 0, detail={"code": 402}),
    "403": Case(("stream_error", {"code": 403}), "FAILED", "locked", 0, False, detail={"code": 403}),
    "405": Case(("stream_error", {"code": 405}), "FAILED", "outdated", 0, detail={"code": 405}),
    "406": Case(("stream_error", {"code": 406}), "FAILED", "banned", 0, False, detail={"code": 406}),
    "440": Case(("stream_error", {"code": 440}), "FAILED", "replaced", 0, detail={"code": 440}),
    "replaced": stopped("stream_error", "replaced", dials=0, code=440, conflict="replaced"),
    "another conflict": stopped("stream_error", "replaced", dials=0, code=440, conflict="something_new"),
    "515": healed("stream_error", code=515),
    "500": healed("stream_error", code=500),
    "503": healed("stream_error", code=503),
    "an unknown stream error": healed("stream_error", code=777),
    "the stream's end": healed("stream_end"),
    "a close": healed("close"),
    "a close with a code": healed("close", code=1011),
    "a reset": healed("drop"),
    "a frame that no key opens": healed("garbage", which="frame"),
    "no node": healed("garbage", which="node"),
    "deep nesting": healed("garbage", which="deep"),
    "a bomb": healed("garbage", which="bomb"),
    "a text message": healed("garbage", which="text"),
    "a cut frame": healed("garbage", which="cut"),
}


def refused(reason: int, cause: str, *, keeps_keys: bool = True, **how: Any) -> Case:
    detail = {"code": reason}
    return Case(("failure", {"code": reason, **how}), "FAILED", cause, 1, keeps_keys, detail=detail)


def given_up(kind: str, cause: str, status: str, detail: dict[str, Any], **how: Any) -> Case:
    """The first attempt and all three retries, and no more."""
    return Case((kind, how), status, cause, dials=4, retries=3, detail=detail)


AT_THE_LOGIN = {
    "400": refused(400, "refused"),
    "401": refused(401, "unlinked", keeps_keys=False),
    "402 for an hour": refused(402, "temporary_ban", ban_code=101, expire_s=3600),
    "402 without an end": refused(402, "temporary_ban"),
    "403": refused(403, "locked", keeps_keys=False),
    "405": refused(405, "outdated"),
    "406": refused(406, "banned", keeps_keys=False),
    "409": refused(409, "refused"),
    "418": refused(418, "refused"),
    "999": refused(999, "refused"),
    "replaced, again and again": Case(
        ("stream_error", {"conflict": "replaced", "times": 99}), "FAILED", "replaced", 1, detail={"code": 440}
    ),
    "500": given_up("failure", "server_error", "FAILED", {"code": 500}, code=500),
    "503": given_up("failure", "server_error", "FAILED", {"code": 503}, code=503),
    "503 in the stream": given_up("stream_error", "server_error", "FAILED", {"code": 503}, code=503, times=99),
    "a reset": given_up("drop", "line_lost", "FAILED", {"code": 428}, stage="login", times=99),
    "a reset after the login": given_up("drop", "line_lost", "FAILED", {"code": 428}, times=99),
    "garbage": given_up("garbage", "line_lost", "FAILED", {}, which="frame", times=99),
    "silence": given_up("black_hole", "timed_out", "TIMEOUT", {"code": 408}),
    "deaf to queries": given_up("deaf", "timed_out", "TIMEOUT", {"code": 408}),
}


async def outlets_for(cases: dict[str, Case]) -> dict[str, Outlet]:
    return {name: await sync_to_async(OutletFactory.create)(name=name) for name in cases}


async def settled(house: House, outlets: dict[str, Outlet], wanted: dict[str, Case], patience_s: float = 20.0) -> None:
    """Wait until every row says what it shall (or too long), and then some more."""
    deadline = time.monotonic() + patience_s
    rows = {name: await house.row(outlet) for name, outlet in outlets.items()}
    while time.monotonic() < deadline:
        rows = {name: await house.row(outlet) for name, outlet in outlets.items()}
        if all(
            (rows[name]["status"], rows[name]["cause"]) == (case.status, case.cause) for name, case in wanted.items()
        ):
            break
        await asyncio.sleep(0.05)
    await asyncio.sleep(WINDOW_S)


async def found(house: House, outlet: Outlet, case: Case, dials_before: int) -> Case:
    """What became of it, as a case."""
    row = await house.row(outlet)
    return Case(
        case.fault,
        row["status"],
        row["cause"],
        house.simulator.counts(outlet.whatsapp_number).dials - dials_before,
        await Credential.objects.filter(session_id=outlet.pk).aexists() and bool(row["jid"]),
        row["retry_count"],
        row["cause_detail"],
    )


async def nothing_improper(house: House, outlets: dict[str, Outlet]) -> None:
    """What must hold whatever happened."""
    for name, outlet in outlets.items():
        counts, row = house.simulator.counts(outlet.whatsapp_number), await house.row(outlet)
        assert counts.max_sockets <= 1, f"{name}: two sockets"
        assert counts.sockets == (row["status"] == "CONNECTED"), f"{name}: {counts.sockets} socket, {row['status']}"
        assert row["intent"] == Intent.ONLINE, f"{name}: the machine changed what people want"
        status = "DISCONNECTED"
        for from_status, to_status, _reason, _source in await house.flips(outlet):
            assert from_status == status != to_status, f"{name}: a flip from {from_status}, which was {status}"
            status = to_status
        assert row["status"] == status, f"{name}: {row['status']}, but the last flip made it {status}"
    assert house.simulator.mistakes == []


async def test_it_knows_every_end_of_an_open_connection():
    async with open_house() as house:
        cases = ON_AN_OPEN_CONNECTION
        outlets = await outlets_for(cases)
        await house.linked_directly(*outlets.values())
        dials = {name: house.simulator.counts(outlet.whatsapp_number).dials for name, outlet in outlets.items()}
        for name, case in cases.items():
            kind, how = case.fault
            house.simulator.fault(kind, outlets[name].whatsapp_number, **how)
        await settled(house, outlets, cases)
        became = {name: await found(house, outlets[name], case, dials[name]) for name, case in cases.items()}
        assert became == cases
        await nothing_improper(house, outlets)
        restart = [flip[:3] for flip in await house.flips(outlets["515"])][-2:]
        assert restart == [("CONNECTED", "CONNECTING", "restart"), ("CONNECTING", "CONNECTED", "logged_in")]


async def test_it_knows_every_answer_to_a_login():
    async with open_house(login_timeout_s=1.0, query_timeout_s=1.0) as house:
        cases = AT_THE_LOGIN
        outlets = await outlets_for(cases)
        await house.give_keys(*outlets.values(), intent=Intent.ONLINE)
        for name, case in cases.items():
            kind, how = case.fault
            house.simulator.fault(kind, outlets[name].whatsapp_number, **how)
        await house.stop()
        await house.start()
        await settled(house, outlets, cases)
        became = {name: await found(house, outlets[name], case, 0) for name, case in cases.items()}
        assert became == cases
        await nothing_improper(house, outlets)
        banned = await house.status(outlets["402 for an hour"])
        assert banned["cause"]["retryAt"]
        assert "60" in banned["cause"]["action"]
