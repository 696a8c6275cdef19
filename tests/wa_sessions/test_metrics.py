"""`/metrics`: figures that agree with the dashboard, labels that cannot grow, and only for head office."""

import asyncio
import time
from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from wa_sessions import metrics
from wa_sessions.models import Flip, WhatsAppSession
from wa_sessions.states import Source, Status

pytestmark = pytest.mark.django_db


def figures(response) -> dict[tuple[str, ...], float]:
    """("gerai_outlets", "CONNECTED") -> 3.0"""
    assert response.status_code == 200, response.content
    assert response["Content-Type"].startswith("text/plain")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(response.content.decode())
        for sample in family.samples
    }


@pytest.fixture(autouse=True)
def _fresh_counts(monkeypatch):
    monkeypatch.setattr(metrics, "_flips", metrics._Flips())


def test_it_counts_outlets_as_the_dashboard_does(cast, api):
    for outlet in (cast.jakarta, cast.bandung, cast.surabaya):
        WhatsAppSession.objects.create(outlet=outlet, status=Status.CONNECTED)
    cast.medan.is_active = False
    cast.medan.save()
    found = figures(api(cast.adi).get("/metrics"))
    status = api(cast.adi).get("/api/outlets/status").json()
    assert found["gerai_outlets", "CONNECTED"] == 3
    assert found["gerai_outlets", "NEVER"] == 2
    assert found["gerai_outlets", "FAILED"] == 0
    assert found["gerai_outlets_live", "DISCONNECTED"] == 5
    assert found["gerai_outlets_healthy",] == status["healthy"] == 0
    assert found["gerai_outlets_problem",] == status["problems"] == 4
    assert found["gerai_outlets_inactive",] == status["inactive"] == 1
    assert found["gerai_open_pages",] == 0


def test_it_counts_new_flips_by_source(cast, api):
    session = WhatsAppSession.objects.create(outlet=cast.jakarta)
    client = api(cast.sari)

    def flip(source):
        Flip.objects.create(
            session=session, from_status="CONNECTED", to_status="DISCONNECTED", source=source, at=timezone.now()
        )

    flip(Source.SOCKET)  # before the first scrape: a counter begins at nothing
    assert figures(client.get("/metrics"))["gerai_flips_total", "socket"] == 0
    for source in (Source.SOCKET, Source.SYNC, Source.SYNC):
        flip(source)
    for _ in range(2):
        found = figures(client.get("/metrics"))
        assert {source: found["gerai_flips_total", source] for source in Source.values} == {
            "socket": 1, "person": 0, "sync": 2, "ownership": 0,
        }  # fmt: skip


def test_it_names_no_outlet_and_no_account(cast, api):
    body = api(cast.adi).get("/metrics").content.decode()
    for outlet in cast.outlets:
        assert outlet.name not in body
        assert outlet.whatsapp_number not in body
        assert outlet.public_id not in body
    for person in cast.people:
        assert person.username not in body


@pytest.mark.parametrize(
    "accept", ["text/plain", "application/openmetrics-text;version=1.0.0,*/*;q=0.1", "text/html", ""]
)
def test_it_takes_whatever_a_scraper_accepts(cast, api, accept):
    assert figures(api(cast.adi).get("/metrics/", headers={"Accept": accept}))


def test_it_is_for_head_office(cast, api):
    for nobody in (api(), api(cast.jaka), api(cast.nina)):
        response = nobody.get("/metrics")
        assert response.status_code in (401, 403)
        assert b"gerai_" not in response.content


def test_its_labels_do_not_grow_with_the_outlets(cast, api):
    client = api(cast.adi)
    before = set(figures(client.get("/metrics")))
    for status, outlet in zip(Status.values, cast.outlets, strict=False):
        WhatsAppSession.objects.create(outlet=outlet, status=status, last_seen=timezone.now() - timedelta(days=1))
    assert set(figures(client.get("/metrics"))) == before


class FakeManager:
    """What the metrics read of a manager."""

    dials = 7
    ends = Counter(transient=3)
    gate: tuple[int, ...] = (1, 2)
    journal: tuple[int, ...] = (1,)
    is_outage = True
    is_ready = True


def test_it_tells_of_the_connections_of_this_process():
    here = FakeManager()
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in metrics._sessions(here)  # type: ignore[arg-type]
        for sample in family.samples
    }
    assert found["gerai_dials_total",] == 7
    assert found["gerai_ends_total", "transient"] == 3
    assert found["gerai_ends_total", "banned"] == 0
    assert found["gerai_waiting_to_dial",] == 2
    assert found["gerai_outage",] == 1
    assert found["gerai_journal_backlog",] == 1


async def test_it_measures_how_late_the_loop_is():
    registry = CollectorRegistry()
    lag = metrics._LoopLag(registry)
    lag.EVERY_S = 0.02

    class Here:
        _loop = asyncio.get_running_loop()

    lag.watch(Here())  # type: ignore[arg-type]
    lag.watch(Here())  # type: ignore[arg-type]  # watching twice counts once
    await asyncio.sleep(0.1)
    before = registry.get_sample_value("gerai_loop_lag_seconds_count")
    assert before is not None
    assert 1 <= before <= 6
    time.sleep(0.15)  # noqa: ASYNC251 - a loop that is held up is what is measured
    await asyncio.sleep(0.01)
    slow = registry.get_sample_value("gerai_loop_lag_seconds_sum")
    assert slow is not None
    assert slow > 0.1
    lag._watched = None  # ends it
