"""The API of connections. `outlet_for` is the only door to an outlet: absent and foreign are the same 404."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, cast

from django.http import HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from outlets.models import Outlet
from outlets.selectors import outlet_for
from wa_sessions import selectors, services
from wa_sessions.elements import Element, encode
from wa_sessions.models import WhatsAppSession
from wa_sessions.serializers import (
    PAGE_SIZE,
    ErrorAnswer,
    FlipsAnswer,
    PageQuery,
    StatusAnswer,
    StatusPageAnswer,
    StatusQuery,
    WishAnswer,
)

NO_STORE = {"Cache-Control": "no-store"}
TURN_PATIENCE_S = 0.3
ERRORS = {401: ErrorAnswer}
OUTLET_ERRORS = {**ERRORS, 404: ErrorAnswer}


Wish = Callable[[Outlet], WhatsAppSession]


class Refused(exceptions.APIException):
    """A wish that makes no sense now."""

    status_code = 409


class ForAdmins(exceptions.APIException):
    status_code = 403
    default_code = "permission_denied"
    default_detail = _("You are not allowed to do this.")


def user_of(request: Request) -> User:
    return cast(User, request.user)  # every view here requires a login


def dumped(answer: dict[str, Any]) -> HttpResponse:
    """The answer as JSON, dumped once. DRF's way through negotiation and renderer costs more than a hundred outlets."""
    text = ",".join(f"{encode(key)}:{_encoded(value)}" for key, value in answer.items())
    return HttpResponse(f"{{{text}}}", content_type="application/json", headers=NO_STORE)


def _encoded(value: Any) -> str:
    """Long lists one by one: while the encoder runs no other thread does, and one of those holds the sockets."""
    if isinstance(value, list):
        return f"[{','.join([_encoded(item) for item in value])}]"
    return value.json if isinstance(value, Element) else encode(value)


class StatusPageView(APIView):
    @extend_schema(
        operation_id="status_list",
        parameters=[StatusQuery],
        responses={200: StatusPageAnswer, 400: ErrorAnswer, **ERRORS},
    )
    def get(self, request: Request) -> HttpResponse:
        """The connection of every outlet that you may see. Reading corrects rows that the sockets contradict."""
        asked = _asked(request)
        user = user_of(request)
        with _turn():
            return dumped(selectors.status_page(user, **asked))


class StatusView(APIView):
    @extend_schema(operation_id="status_get", responses={200: StatusAnswer, **OUTLET_ERRORS})
    def get(self, request: Request, outlet_id: str) -> HttpResponse:
        """The connection of one outlet."""
        outlet = outlet_for(user_of(request), outlet_id)
        return dumped({"success": True, "status": selectors.status_of(outlet)})


_reading = threading.Lock()


@contextlib.contextmanager
def _turn() -> Iterator[None]:
    """One long read at a time: they are the interpreter's work, and several at once only take it from each other, row
    by row, and from the loop that holds the sockets. A read that hangs with the database does not keep the next."""
    has_turn = _reading.acquire(timeout=TURN_PATIENCE_S)
    try:
        yield
    finally:
        if has_turn:
            _reading.release()


def _asked(request: Request) -> dict[str, Any]:
    """`status_page`'s arguments. Raises ValidationError for questions that cannot be answered as they are meant."""
    if not request.query_params:
        return {}
    query = StatusQuery(data=request.query_params.dict())
    query.is_valid(raise_exception=True)
    asked = query.validated_data
    if "pageSize" in asked and "page" not in asked:
        raise exceptions.ValidationError({"pageSize": [_("pageSize needs a page.")]})
    return {
        "healthy": asked["healthy"],
        "status": asked.get("status") or None,
        "q": asked["q"],
        "page": asked.get("page"),
        "page_size": asked.get("pageSize", PAGE_SIZE) if "page" in asked else None,
    }


# Wishes


_WISH = {202: WishAnswer, **OUTLET_ERRORS, 409: ErrorAnswer}


def _carry_out(outlet: Outlet, wish: Wish) -> Response:
    """One person's wish for one outlet. The owner of its connection acts on it, at once or within 2 s."""
    wished(wish, outlet)
    return Response({"success": True, **_session_answer(outlet)}, status=202, headers=NO_STORE)


def wished(wish: Wish, outlet: Outlet) -> WhatsAppSession:
    """Call a `services.session_*`; its refusal becomes a 409."""
    try:
        return wish(outlet)
    except services.WishRefused as refusal:
        raise refused(refusal.code, refusal.message) from None


def refused(code: str, message: str | Promise) -> Refused:
    return Refused(str(message), code)


def _session_answer(outlet: Outlet) -> dict[str, Any]:
    element = selectors.status_of(outlet)
    more = {key: element[key] for key in ("maxRetries", "intent", "pending")}
    return {"session": {**element["session"], **more}, "outletId": element["outletId"]}


class ConnectView(APIView):
    @extend_schema(operation_id="session_connect", request=None, responses=_WISH)
    def post(self, request: Request, outlet_id: str) -> Response:
        """Bring the outlet online. If it is not linked, a QR follows."""
        return _carry_out(outlet_for(user_of(request), outlet_id), services.session_connect)


class DisconnectView(APIView):
    @extend_schema(operation_id="session_disconnect", request=None, responses=_WISH)
    def post(self, request: Request, outlet_id: str) -> Response:
        """Take the outlet offline. It stays linked: connecting again needs no scan."""
        return _carry_out(outlet_for(user_of(request), outlet_id), services.session_disconnect)


class PauseView(APIView):
    @extend_schema(operation_id="session_pause", request=None, responses=_WISH)
    def post(self, request: Request, outlet_id: str) -> Response:
        """Keep the connection open and blasts away from it."""
        return _carry_out(outlet_for(user_of(request), outlet_id), services.session_pause)


class ResumeView(APIView):
    @extend_schema(operation_id="session_resume", request=None, responses=_WISH)
    def post(self, request: Request, outlet_id: str) -> Response:
        """End a pause."""
        return _carry_out(outlet_for(user_of(request), outlet_id), services.session_resume)


class UnlinkView(APIView):
    @extend_schema(operation_id="session_unlink", request=None, responses={**_WISH, 403: ErrorAnswer})
    def post(self, request: Request, outlet_id: str) -> Response:
        """Remove the linked device and forget its keys. ADMIN and up."""
        outlet = outlet_for(user_of(request), outlet_id)
        if not user_of(request).manages_outlets:  # only now: who does not see the outlet learns nothing about it
            raise ForAdmins
        return _carry_out(outlet, services.session_unlink)


# History


class FlipsView(APIView):
    @extend_schema(
        operation_id="flips_list",
        parameters=[PageQuery],
        responses={200: FlipsAnswer, 400: ErrorAnswer, **OUTLET_ERRORS},
    )
    def get(self, request: Request, outlet_id: str) -> HttpResponse:
        """How the DB status changed, newest first."""
        outlet = outlet_for(user_of(request), outlet_id)
        query = PageQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        page, size = query.validated_data.get("page", 1), query.validated_data.get("pageSize", PAGE_SIZE)
        flips = selectors.flips_of(outlet)
        columns = ("from_status", "to_status", "reason", "source", "at", "drift_s")
        rows = flips.values_list(*columns)[(page - 1) * size : page * size]
        answer = {"success": True, "count": flips.count(), "page": page, "pageSize": size}
        return dumped({**answer, "flips": [_flip(*row) for row in rows]})


def _flip(
    from_status: str, to_status: str, reason: str, source: str, at: datetime, drift_s: float | None
) -> dict[str, Any]:
    return {
        "from": from_status,
        "to": to_status,
        "reason": reason,
        "source": source,
        "at": iso(at),
        "driftSeconds": drift_s,
    }


def iso(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
