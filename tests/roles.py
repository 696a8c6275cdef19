"""Who may do what, as a table: for each URL and method what each person gets; and the scene that the paths name.

A method that is not in a row is refused to everybody.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from accounts.models import ApiToken, Role, User
from blast.models import Act, Recipient
from outlets.models import Outlet
from tests.cast import Cast, UserFactory
from tests.pages.blast_scene import make_blast, opt_out
from tests.wa_sessions.sockets import session_of
from wa_sessions.models import Flip, WhatsAppSession
from wa_sessions.states import Intent, Source, Status

# Jaka asks for his own outlet, Budi for Jaka's, Nina has none; Dewi was an ADMIN, and is deactivated.
PEOPLE = ("anonymous", "own", "other", "none", "admin", "superadmin", "deactivated")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

LOGIN = "login"  # a redirect to the login page
REFUSALS = (LOGIN, 401, 403, 404, 405)

Outcome = int | str
Expected = Mapping[str, Outcome]  # by person


def of(*outcomes: Outcome) -> Expected:
    return dict(zip(PEOPLE, outcomes, strict=True))


def public(outcome: Outcome) -> Expected:
    """The same for everybody."""
    return dict.fromkeys(PEOPLE, outcome)


def members(outcome: Outcome, refusal: Outcome = LOGIN) -> Expected:
    """For whoever is logged in."""
    return of(refusal, outcome, outcome, outcome, outcome, outcome, refusal)


def seers(outcome: Outcome, refusal: Outcome = LOGIN) -> Expected:
    """For whoever sees the outlet."""
    return of(refusal, outcome, 404, 404, outcome, outcome, refusal)


def managers(outcome: Outcome, refusal: Outcome = LOGIN, *, hidden: bool = True) -> Expected:
    """For ADMIN and up. `hidden`: it is about an outlet, of which others do not learn that it is there."""
    unseen = 404 if hidden else 403
    return of(refusal, 403, unseen, unseen, outcome, outcome, refusal)


def staff(admin: Outcome, superadmin: Outcome | None = None) -> Expected:
    """The Django admin sends everybody else to its login."""
    return of(LOGIN, LOGIN, LOGIN, LOGIN, admin, admin if superadmin is None else superadmin, LOGIN)


@dataclass(frozen=True)
class Row:
    """`path` may hold {outlet} and other names of `Scene.ids`; `data` is what a POST or PATCH carries."""

    path: str
    expected: Mapping[str, Expected] = field(default_factory=dict)  # by method
    data: Mapping[str, Any] = field(default_factory=dict)
    by_session: Mapping[str, Expected] = field(default_factory=dict)  # where it differs from `expected`, by token
    is_api: bool = False
    is_admin: bool = False  # Django's own views take any method; what matters is who gets in


def page(path: str, data: Mapping[str, Any] | None = None, **expected: Expected) -> Row:
    return Row(path, expected, data or {})


def api(
    path: str,
    data: Mapping[str, Any] | None = None,
    by_session: Mapping[str, Expected] | None = None,
    **expected: Expected,
) -> Row:
    return Row(path, expected, data or {}, by_session or {}, is_api=True)


def admin(path: str, expected: Expected) -> Row:
    return Row(path, {"GET": expected}, is_admin=True)


NEW_OUTLET = {"name": "Outlet Baru", "whatsapp_number": "6281234567890", "is_active": "on"}
NEW_BLAST_API = {
    "name": "Promo",
    "body": "Halo!",
    "outlets": ["{outlet}"],  # Jakarta's, which Budi and Nina do not see
    "recipients": [{"phone": "6285500000009"}],
}
NEW_OUTLET_API = {"name": "Outlet Baru", "whatsappNumber": "6281234567890"}

ROWS: Mapping[str, Row] = {
    # Pages
    "": Row("/", dict.fromkeys(METHODS, public(302))),  # leads to the dashboard, and changes nothing
    "login": page(
        "/login",
        **dict.fromkeys(("GET", "POST", "PUT"), of(200, 302, 302, 302, 302, 302, 200)),
        **dict.fromkeys(("PATCH", "DELETE"), of(405, 302, 302, 302, 302, 302, 405)),  # on to the dashboard
    ),
    "logout": page("/logout", POST=public(LOGIN)),
    "i18n/setlang": Row("/i18n/setlang", dict.fromkeys(METHODS, public(302)), {"language": "en"}),  # a cookie, no more
    "outlet-status": page("/outlet-status", GET=members(200)),
    "outlet-status/rows": page("/outlet-status/rows", GET=members(200)),
    "outlet-status/<str:outlet_id>": page("/outlet-status/{outlet}", GET=seers(200)),
    "outlets": page("/outlets", GET=members(200)),
    "outlets/rows": page("/outlets/rows", GET=members(200)),
    "outlets/new": page("/outlets/new", NEW_OUTLET, GET=managers(200, hidden=False), POST=managers(302, hidden=False)),
    "outlets/<str:outlet_id>/edit": page("/outlets/{outlet}/edit", NEW_OUTLET, GET=managers(200), POST=managers(200)),
    "outlets/<str:outlet_id>/deactivate": page("/outlets/{outlet}/deactivate", POST=managers(302)),
    "outlets/<str:outlet_id>/activate": page("/outlets/{outlet}/activate", POST=managers(302)),
    "outlets/<str:outlet_id>/link": page("/outlets/{outlet}/link", GET=seers(200)),
    "outlets/<str:outlet_id>/qr": page("/outlets/{outlet}/qr", GET=seers(200)),
    "outlets/<str:outlet_id>/pairing-code": page("/outlets/{outlet}/pairing-code", POST=seers(302)),
    "outlets/<str:outlet_id>/connect": page("/outlets/{outlet}/connect", POST=seers(302)),
    "outlets/<str:outlet_id>/disconnect": page("/outlets/{outlet}/disconnect", GET=seers(200), POST=seers(302)),
    "outlets/<str:outlet_id>/pause": page("/outlets/{outlet}/pause", POST=seers(302)),
    "outlets/<str:outlet_id>/resume": page("/outlets/{outlet}/resume", POST=seers(302)),
    "outlets/<str:outlet_id>/unlink": page("/outlets/{outlet}/unlink", GET=managers(200), POST=managers(302)),
    "outlets/<str:outlet_id>/auto-reconnect": page("/outlets/{outlet}/auto-reconnect", POST=managers(302)),
    "blast": page("/blast", GET=members(200)),
    "blast/rows": page("/blast/rows", GET=members(200)),
    "blast/new": page("/blast/new", {"do": "check"}, GET=members(200), POST=members(200)),
    "blast/check": page("/blast/check", {"text": "12"}, POST=members(200)),
    "blast/problems": page("/blast/problems", {"text": "12"}, POST=members(200)),
    "blast/preview": page("/blast/preview", {"body": "Halo"}, POST=members(200)),
    "blast/outlets": page("/blast/outlets", GET=members(200)),
    "blast/opt-outs": page("/blast/opt-outs", GET=members(200)),
    "blast/opt-outs/<int:pk>/undo": page("/blast/opt-outs/{opt_out}/undo", {"reason": "Asked"}, POST=managers(302)),
    "blast/pace/<str:outlet_id>": page("/blast/pace/{outlet}", GET=managers(200), POST=managers(200)),
    "blast/pace/<str:outlet_id>/release": page("/blast/pace/{outlet}/release", POST=managers(302)),
    "blast/<str:blast_id>": page("/blast/{blast}", GET=seers(200)),
    "blast/<str:blast_id>/rows": page("/blast/{blast}/rows", GET=seers(200)),
    "blast/<str:blast_id>/edit": page("/blast/{blast}/edit", {"do": "check"}, GET=seers(200), POST=seers(200)),
    "blast/<str:blast_id>/preflight": page("/blast/{blast}/preflight", GET=seers(200)),
    "blast/<str:blast_id>/preflight/asked": page("/blast/{blast}/preflight/asked", GET=seers(200)),
    "blast/<str:blast_id>/start": page("/blast/{blast}/start", POST=seers(302)),
    "blast/<str:blast_id>/pause": page("/blast/{blast}/pause", POST=seers(302)),
    "blast/<str:blast_id>/resume": page("/blast/{blast}/resume", POST=seers(302)),
    "blast/<str:blast_id>/cancel": page("/blast/{blast}/cancel", GET=seers(200), POST=seers(302)),
    "blast/<str:blast_id>/retry": page("/blast/{blast}/retry", POST=seers(302)),
    "blast/<str:blast_id>/export": page("/blast/{blast}/export", GET=seers(200)),
    # Only where there is a simulator. Here it cannot be reached, and the pages say so.
    "simulator": page("/simulator", GET=managers(200, hidden=False)),
    "simulator/rows": page("/simulator/rows", GET=managers(200, hidden=False)),
    "simulator/do": page("/simulator/do", {"do": "cut", "outlet": ["{outlet}"]}, POST=managers(302, hidden=False)),
    "simulator/recipient": page(
        "/simulator/recipient", {"do": "stop", "phone": "6285712340001"}, POST=managers(302, hidden=False)
    ),
    # API
    "api/auth/token": api(
        "/api/auth/token",
        POST=public(400),
        DELETE=members(200, 401),
        by_session={"DELETE": members(400, 401)},  # there is no token to revoke
    ),
    "api/outlets": api("/api/outlets", NEW_OUTLET_API, GET=members(200, 401), POST=managers(201, 401, hidden=False)),
    "api/outlets/<str:outlet_id>": api(
        "/api/outlets/{outlet}", {"name": "Nama Lain"}, GET=seers(200, 401), PATCH=managers(200, 401)
    ),
    "api/outlets/status": api("/api/outlets/status", GET=members(200, 401)),
    "api/outlets/<str:outlet_id>/status": api("/api/outlets/{outlet}/status", GET=seers(200, 401)),
    "api/outlets/<str:outlet_id>/flips": api("/api/outlets/{outlet}/flips", GET=seers(200, 401)),
    "api/outlets/<str:outlet_id>/qr": api("/api/outlets/{outlet}/qr", GET=seers(404, 401)),  # none waits: `no_qr`
    "api/outlets/<str:outlet_id>/connect": api("/api/outlets/{outlet}/connect", POST=seers(202, 401)),
    "api/outlets/<str:outlet_id>/disconnect": api("/api/outlets/{outlet}/disconnect", POST=seers(202, 401)),
    "api/outlets/<str:outlet_id>/pause": api("/api/outlets/{outlet}/pause", POST=seers(202, 401)),
    "api/outlets/<str:outlet_id>/resume": api("/api/outlets/{outlet}/resume", POST=seers(202, 401)),
    "api/outlets/<str:outlet_id>/unlink": api("/api/outlets/{outlet}/unlink", POST=managers(202, 401)),
    "api/outlets/<str:outlet_id>/pairing-code": api(
        "/api/outlets/{outlet}/pairing-code",
        POST=seers(409, 401),  # linked already
    ),
    "api/blasts": api("/api/blasts", NEW_BLAST_API, GET=members(200, 401), POST=of(401, 201, 400, 400, 201, 201, 401)),
    "api/blasts/<str:blast_id>": api(
        "/api/blasts/{blast}", {"name": "Nama Lain"}, GET=seers(200, 401), PATCH=seers(200, 401)
    ),
    "api/blasts/<str:blast_id>/recipients": api("/api/blasts/{blast}/recipients", GET=seers(200, 401)),
    "api/blasts/<str:blast_id>/export": api("/api/blasts/{blast}/export", GET=seers(200, 401)),
    "api/blasts/<str:blast_id>/preflight": api("/api/blasts/{blast}/preflight", POST=seers(200, 401)),
    "api/blasts/<str:blast_id>/start": api("/api/blasts/{blast}/start", POST=seers(202, 401)),
    "api/blasts/<str:blast_id>/pause": api("/api/blasts/{blast}/pause", POST=seers(409, 401)),  # a draft
    "api/blasts/<str:blast_id>/resume": api("/api/blasts/{blast}/resume", POST=seers(409, 401)),
    "api/blasts/<str:blast_id>/cancel": api("/api/blasts/{blast}/cancel", POST=seers(202, 401)),
    "api/blasts/<str:blast_id>/retry": api("/api/blasts/{blast}/retry", POST=seers(409, 401)),
    "api/opt-outs": api("/api/opt-outs", GET=members(200, 401)),
    "api/opt-outs/<int:opt_out_id>/undo": api(
        "/api/opt-outs/{opt_out}/undo", {"reason": "Minta lagi"}, POST=managers(200, 401)
    ),
    "api/outlets/<str:outlet_id>/pace": api(
        "/api/outlets/{outlet}/pace", {"dailyCap": 100}, GET=seers(200, 401), PATCH=managers(200, 401)
    ),
    "api/outlets/<str:outlet_id>/pace/release": api(
        "/api/outlets/{outlet}/pace/release",
        POST=of(401, 403, 404, 404, 409, 409, 401),  # it was not stopped
    ),
    "api/schema": api("/api/schema", GET=members(200, 401)),
    "api/docs": api("/api/docs", GET=members(200, 401)),
    "^api(?:/|$)": Row("/api/nothing", {method: public(404) for method in METHODS}, is_api=True),
    # Health
    "healthz": page("/healthz", GET=public(200)),
    "readyz": page("/readyz", GET=public(503)),  # no manager runs here
    "metrics": api("/metrics", GET=managers(200, 401, hidden=False)),
    # Django admin
    "^admin/outlet-status/?$": admin("/admin/outlet-status/", staff(200)),
    "admin/outlet-status/rows": admin("/admin/outlet-status/rows", staff(200)),
    # Where the admin sends whoever may not enter: those who are logged in are told so.
    "admin/login/": Row("/admin/login/", dict.fromkeys(METHODS, of(LOGIN, 403, 403, 403, 403, 403, LOGIN))),
    "admin/": admin("/admin/", staff(200)),
    "admin/logout/": Row(
        "/admin/logout/",
        {
            "POST": of(302, 302, 302, 302, LOGIN, LOGIN, 302),  # the others are sent to the admin's front door
            **dict.fromkeys(("GET", "PUT", "PATCH", "DELETE"), of(302, 302, 302, 302, 405, 405, 302)),
        },
        is_admin=True,
    ),
    "admin/password_change/": admin("/admin/password_change/", staff(200)),
    "admin/password_change/done/": admin("/admin/password_change/done/", staff(200)),
    "admin/autocomplete/": admin("/admin/autocomplete/", staff(403)),  # names no field
    "admin/jsi18n/": admin("/admin/jsi18n/", staff(200)),
    "admin/r/<path:content_type_id>/<path:object_id>/": admin("/admin/r/{content_type}/{pk}/", staff(404)),
    "admin/^(?P<app_label>accounts|outlets|wa_sessions|blast)/$": admin("/admin/outlets/", staff(200)),
    "admin/(?P<url>.*)$": admin("/admin/nothing", staff(404)),
    "admin/accounts/user/<id>/password/": admin("/admin/accounts/user/{user}/password/", staff(200)),
}


def _model_rows(
    name: str, ident: str, *, add: Expected, change: Expected, delete: Expected, history: Expected
) -> dict[str, Row]:
    """The six addresses that the admin makes for each model."""
    here = f"admin/{name}"
    return {
        f"{here}/": admin(f"/{here}/", staff(200)),
        f"{here}/add/": admin(f"/{here}/add/", add),
        f"{here}/<path:object_id>/change/": admin(f"/{here}/{ident}/change/", change),
        f"{here}/<path:object_id>/delete/": admin(f"/{here}/{ident}/delete/", delete),
        f"{here}/<path:object_id>/history/": admin(f"/{here}/{ident}/history/", history),
        f"{here}/<path:object_id>/": admin(f"/{here}/{ident}/", staff(302)),
    }


READ_ONLY = {"add": staff(403), "change": staff(200), "delete": staff(403), "history": staff(200)}

ROWS = {
    **ROWS,
    **_model_rows(
        "accounts/user", "{user}", add=staff(200), change=staff(200), delete=staff(403, 200), history=staff(200)
    ),
    **_model_rows(
        "accounts/apitoken", "{token}", add=staff(403), change=staff(200), delete=staff(403, 200), history=staff(200)
    ),
    **_model_rows("outlets/outlet", "{pk}", add=staff(200), change=staff(200), delete=staff(403), history=staff(200)),
    **_model_rows(
        "wa_sessions/whatsappsession", "{pk}", add=staff(403), change=staff(200), delete=staff(403), history=staff(200)
    ),
    **_model_rows(
        "wa_sessions/flip", "{flip}", add=staff(403), change=staff(200), delete=staff(403), history=staff(200)
    ),
    **_model_rows("blast/blast", "{blast_pk}", **READ_ONLY),
    **_model_rows("blast/recipient", "{recipient}", **READ_ONLY),
    **_model_rows("blast/optout", "{opt_out}", **READ_ONLY),
    **_model_rows("blast/act", "{act}", **READ_ONLY),
}


class Scene:
    """The cast, the deactivated Dewi, Jakarta's linked session, and what the paths name."""

    def __init__(self) -> None:
        cast = Cast()
        dewi: User = UserFactory(username="dewi", role=Role.ADMIN)
        self.people: Mapping[str, User | None] = {
            "anonymous": None,
            "own": cast.jaka,
            "other": cast.budi,
            "none": cast.nina,
            "admin": cast.adi,
            "superadmin": cast.sari,
            "deactivated": dewi,
        }
        session = WhatsAppSession.objects.create(
            outlet=cast.jakarta, status=Status.CONNECTED, intent=Intent.ONLINE, jid="6287788987745:7@s.whatsapp.net"
        )
        flip = Flip.objects.create(
            session=session, from_status="CONNECTING", to_status="CONNECTED", source=Source.SOCKET, at=timezone.now()
        )
        blast = make_blast(cast.jaka, [cast.jakarta], people=2)
        self.tokens = {
            name: ApiToken.objects.issue(user, lifetime=timedelta(days=1)) for name, user in self.people.items() if user
        }
        self.sessions = {name: session_of(user) for name, user in self.people.items() if user}
        # Deactivated after login: what was given before must be worth nothing.
        dewi.is_active = False
        dewi.save()
        self.outlet = cast.jakarta
        self.ids = {
            "outlet": cast.jakarta.public_id,
            "pk": cast.jakarta.pk,
            "user": cast.jaka.pk,
            "token": self.tokens["own"][1].pk,
            "flip": flip.pk,
            "blast": blast.public_id,
            "blast_pk": blast.pk,
            "recipient": Recipient.objects.filter(blast=blast).values_list("pk", flat=True)[0],
            "act": Act.objects.filter(blast=blast).values_list("pk", flat=True)[0],
            "opt_out": opt_out(cast.jakarta).pk,
            "content_type": ContentType.objects.get_for_model(Outlet).pk,
        }

    def ask(self, row: Row, method: str, person: str, *, by_token: bool, **other_ids: Any) -> HttpResponse:
        """One request of this person, its writes undone."""
        client = Client(raise_request_exception=False)
        if self.people[person] is not None:
            if by_token:
                client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {self.tokens[person][0]}"
            else:
                client.cookies[settings.SESSION_COOKIE_NAME] = self.sessions[person]
        cache.clear()  # throttles are not what is asked about here
        path = row.path.format(**{**self.ids, **other_ids})
        options: dict[str, Any] = {"content_type": "application/json"} if row.is_api else {}
        with transaction.atomic():
            response = getattr(client, method.lower())(path, self.data_of(row), **(options if method != "GET" else {}))
            getattr(response, "render", lambda: None)()
            transaction.set_rollback(True)
        return response

    def data_of(self, row: Row) -> dict[str, Any]:
        """What a POST or PATCH to it carries."""
        return {name: self._named(value) for name, value in row.data.items()}

    def _named(self, value: Any) -> Any:
        """A list in `data` may name what the paths name."""
        is_names = isinstance(value, list) and all(isinstance(each, str) for each in value)
        return [each.format(**self.ids) for each in value] if is_names else value


def urls() -> Iterator[str]:
    def walk(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[str]:
        for pattern in patterns:
            here = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, here)
            else:
                yield here

    yield from walk(get_resolver().url_patterns, "")
