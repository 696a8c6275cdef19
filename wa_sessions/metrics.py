"""`/metrics` for Prometheus: what the dashboard counts, and how this process is doing. For ADMIN and up, by token.

Every label has a fixed set of values; no outlet, number or account is one.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterable, Iterator

from django.db.models import Count, Max
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import Metric
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import User
from accounts.permissions import ManagesOutlets
from wa_sessions import hub, manager, selectors
from wa_sessions.manager import Manager
from wa_sessions.models import Flip
from wa_sessions.states import Source, Status
from whatsapp.ends import EndKind

NEVER = "NEVER"  # an outlet without a session
LIVE = (Status.CONNECTED, Status.CONNECTING, Status.DISCONNECTED)


class AnyAccept(BaseContentNegotiation):
    """Whatever the client says that it accepts, it gets what there is."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        return next(iter(parsers))

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)


class MetricsView(APIView):
    permission_classes = (IsAuthenticated, ManagesOutlets)
    content_negotiation_class = AnyAccept

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        assert isinstance(request.user, User)
        text = b"".join(_families(request.user)) + generate_latest(_process)
        return HttpResponse(text, content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})


class _Given:
    """A collector that gives what it was given."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _families(user: User) -> Iterator[bytes]:
    here = manager.current()
    families = [*_outlets(user), _flips.family(), *(_sessions(here) if here else ())]
    families.append(GaugeMetricFamily("gerai_open_pages", "WebSockets of pages in this process.", hub.viewers_now()))
    if here is not None:
        _lag.watch(here)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Given(families))
    yield generate_latest(registry)


def _outlets(user: User) -> Iterator[Metric]:
    """Counted as the dashboard counts, by the same function."""
    page = selectors.status_page(user)
    by_status = Counter(item["session"]["status"] if item["session"] else NEVER for item in page["statuses"])
    by_live = Counter(item["liveStatus"]["status"] for item in page["statuses"])
    yield _by_label("gerai_outlets", "Outlets by DB status.", "status", (*Status.values, NEVER), by_status)
    yield _by_label("gerai_outlets_live", "Outlets by live status.", "status", LIVE, by_live)
    yield GaugeMetricFamily("gerai_outlets_healthy", "Outlets that are ready to send.", page["healthy"])
    yield GaugeMetricFamily("gerai_outlets_problem", "Active outlets that are not healthy.", page["problems"])
    yield GaugeMetricFamily("gerai_outlets_inactive", "Outlets that are not in use.", page["inactive"])


def _by_label(name: str, text: str, label: str, values: Iterable[str], counts: Counter[str]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=(label,))
    for value in values:
        family.add_metric((str(value),), counts[value])
    return family


def _sessions(here: Manager) -> Iterator[Metric]:
    yield CounterMetricFamily("gerai_dials", "Connections to WhatsApp begun by this process.", here.dials)
    ends = CounterMetricFamily("gerai_ends", "Connections to WhatsApp that ended, by kind.", labels=("kind",))
    for kind in EndKind:
        ends.add_metric((kind.value,), here.ends[kind.value])
    yield ends
    yield GaugeMetricFamily("gerai_waiting_to_dial", "Outlets that wait for their turn.", len(here.gate))
    yield GaugeMetricFamily("gerai_outage", "1 while WhatsApp cannot be reached.", float(here.is_outage))
    yield GaugeMetricFamily("gerai_journal_backlog", "Rows that wait to be written.", len(here.journal))
    yield GaugeMetricFamily("gerai_manager_ready", "1 once every session is owned.", float(here.is_ready))


class _Flips:
    """Counts flips as they are written, by whoever. The table grows for ever, so only its new end is read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._last_pk: int | None = None  # None: nothing was read yet; what was there before is not counted

    def family(self) -> Metric:
        with self._lock:
            last = Flip.objects.aggregate(last=Max("pk"))["last"] or 0
            if self._last_pk is not None and last > self._last_pk:
                new = Flip.objects.filter(pk__gt=self._last_pk, pk__lte=last).order_by()
                self._counts.update(dict(new.values_list("source").annotate(number=Count("pk"))))
            self._last_pk = last
            counts = dict(self._counts)
        family = CounterMetricFamily("gerai_flips", "Changes of DB status since the first scrape.", labels=("source",))
        for source in Source.values:
            family.add_metric((source,), counts.get(source, 0))
        return family


class _LoopLag:
    """How late the loop that holds the sockets comes to its timers. Begins to measure with the first scrape."""

    EVERY_S = 0.25

    def __init__(self, registry: CollectorRegistry) -> None:
        self._lag = Histogram(
            "gerai_loop_lag_seconds",
            "How late the event loop is.",
            buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
            registry=registry,
        )
        self._watched: asyncio.AbstractEventLoop | None = None

    def watch(self, here: Manager) -> None:
        """Watch this manager's loop, from now on and until it ends. From any thread."""
        loop = here._loop
        if loop is not self._watched and not loop.is_closed():
            self._watched = loop
            loop.call_soon_threadsafe(self._tick, loop, loop.time())

    def _tick(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        if loop is not self._watched:
            return
        self._lag.observe(max(0.0, loop.time() - due))
        due = loop.time() + self.EVERY_S
        loop.call_at(due, self._tick, loop, due)


_process = CollectorRegistry()
ProcessCollector(registry=_process)
_lag = _LoopLag(_process)
_flips = _Flips()
