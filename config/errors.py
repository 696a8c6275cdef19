"""The one shape of an error. Programs get `{"success": false, "error": {"code", "message"}}`, people a page.

Clients match `code`; messages are in the reader's language. Nothing here queries the database: these answers must
also come when it is gone.
"""

import logging
import sys
import time
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.translation import gettext as _, gettext_lazy
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from wa_sessions.exceptions import WishRefused

logger = logging.getLogger("config.errors")

Message = str | Promise

# The pool's time-out and a refused connection are OperationalErrors too, once Django has wrapped them.
DATABASE_ERRORS = (OperationalError, InterfaceError)

_MESSAGES: Mapping[int, tuple[str, Message]] = {
    400: ("bad_request", gettext_lazy("The request could not be understood.")),
    401: ("not_authenticated", gettext_lazy("Log in, or send a valid token.")),
    403: ("permission_denied", gettext_lazy("You are not allowed to do this.")),
    404: ("not_found", gettext_lazy("There is nothing here.")),
    405: ("method_not_allowed", gettext_lazy("This address does not offer that method.")),
    406: ("not_acceptable", gettext_lazy("Only JSON can be given here.")),
    409: ("conflict", gettext_lazy("This makes no sense right now.")),
    413: ("payload_too_large", gettext_lazy("That is too large.")),
    415: ("unsupported_media_type", gettext_lazy("Only JSON is taken here.")),
    429: ("throttled", gettext_lazy("Too many attempts. Wait a moment and try again.")),
    500: ("internal_error", gettext_lazy("Something went wrong on our side.")),
    503: ("database_unavailable", gettext_lazy("The database cannot be reached right now. Try again in a moment.")),
}

_last_database_failure = float("-inf")  # monotonic; read by the handler, to refuse early what would only wait


def seconds_since_database_failure() -> float:
    """How long ago a request last failed for want of the database; infinity if never."""
    return time.monotonic() - _last_database_failure


def body(code: str, message: Message, fields: object = None) -> dict[str, Any]:
    """The JSON of an error; `fields` maps a request's field to its messages."""
    error: dict[str, Any] = {"code": code, "message": str(message)}
    if fields is not None:
        error["fields"] = fields
    return {"success": False, "error": error}


def wants_json(request: HttpRequest) -> bool:
    """Whether a program asks: anything below /api/, or whoever accepts JSON and not HTML."""
    accept = request.headers.get("Accept", "")
    return (
        request.path_info.startswith("/api/")
        or request.path_info == "/api"
        or ("application/json" in accept and "text/html" not in accept)
    )


def answer(request: HttpRequest, status: int, *, code: str = "", message: Message = "") -> HttpResponse:
    """An error answer for this request, as JSON or as a page."""
    default_code, default_message = _MESSAGES.get(status, _MESSAGES[500])
    code, message = code or default_code, message or default_message
    response: HttpResponse
    if wants_json(request):
        response = JsonResponse(body(code, message), status=status)
    else:
        # Without the request: its context would ask for the person, and so for the database.
        template = f"{status}.html" if status in (403, 404, 500, 503) else "error.html"
        html = render_to_string([template, "error.html"], {"status": status, "code": code, "message": message})
        response = HttpResponse(html, status=status)
    if status == 503:
        response["Retry-After"] = "5"
        _is_logged(response)
    response["Cache-Control"] = "no-store"
    return response


def database_unavailable(request: HttpRequest) -> HttpResponse:
    """The 503 for a database that is locked or gone. Noted, and logged at most once a second."""
    _note_database_failure()
    return answer(request, 503)


def _note_database_failure() -> None:
    global _last_database_failure
    now = time.monotonic()
    if now - _last_database_failure > 1:
        logger.error("The database cannot be reached: %s", type(sys.exc_info()[1]).__name__)
    _last_database_failure = now


def _is_logged(response: HttpResponse) -> None:
    """One line a second says that the database is away; Django would add one for each request."""
    response._has_been_logged = True  # type: ignore[attr-defined]


def _is_from_database(exception: BaseException | None) -> bool:
    """Whether this exception, or one that it was raised while handling, is the database's."""
    while exception is not None:
        if isinstance(exception, DATABASE_ERRORS):
            return True
        exception = exception.__cause__ or exception.__context__
    return False


# Django's handlers, named in urls.py and settings.py.


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if _is_from_database(exception):  # a session that could not be saved comes here as one that was deleted
        return database_unavailable(request)
    return answer(request, 413 if isinstance(exception, RequestDataTooBig) else 400)


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return answer(request, 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return answer(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Called while the exception is being handled; middleware that lost the database ends up here."""
    if _is_from_database(sys.exc_info()[1]):
        return database_unavailable(request)
    return answer(request, 500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    message = _("The form is too old. Go back, load the page again and repeat it.")
    return answer(request, 403, code="csrf_failed", message=message)


def locked_out(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    """Too many wrong passwords: axes refuses before it looks at another one."""
    return answer(request, 429)


def api_not_found(request: HttpRequest) -> HttpResponse:
    """For any address below /api/ that is not one."""
    return answer(request, 404)


# DRF's handler.


def api_exception(exc: Exception, context: Mapping[str, Any]) -> Response | None:
    """Every exception of an API view, in the one shape. None lets Django log it and answer 500."""
    if isinstance(exc, DATABASE_ERRORS):
        _note_database_failure()
        response = _response(503, *_MESSAGES[503], headers={"Retry-After": "5"})
        _is_logged(response)
        return response
    if isinstance(exc, Http404):
        exc = exceptions.NotFound()
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied()
    elif isinstance(exc, RequestDataTooBig):
        return _response(413, *_MESSAGES[413])
    elif isinstance(exc, WishRefused):
        return _response(409, exc.code, exc.message)
    if not isinstance(exc, exceptions.APIException):
        return None
    set_rollback()
    return _response_to(exc)


def _response_to(exc: exceptions.APIException) -> Response:
    status = exc.status_code
    default_code, default_message = _MESSAGES.get(status, _MESSAGES[500])
    headers = {}
    if auth_header := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = auth_header
    if (wait := getattr(exc, "wait", None)) is not None:
        headers["Retry-After"] = f"{max(1, round(wait))}"
    if isinstance(exc, exceptions.ValidationError):
        fields = exc.detail if isinstance(exc.detail, dict) else None
        return _response(status, "validation_error", _first_message(exc.detail), headers, fields)
    if isinstance(exc, exceptions.ParseError):
        return _response(status, "parse_error", _("The request is not valid JSON."), headers)
    # An exception class of ours brings code and message; DRF's own are said in our words.
    is_drf = type(exc).__module__.startswith("rest_framework")
    code = default_code if is_drf else str(getattr(exc.detail, "code", default_code))
    message = default_message if is_drf else str(exc.detail)
    return _response(status, code, message, headers)


def _first_message(detail: Any) -> str:
    """The first sentence in a validation error's tree of dicts and lists."""
    while isinstance(detail, (dict, list)) and detail:
        detail = next(iter(detail.values())) if isinstance(detail, dict) else detail[0]
    return str(detail) if detail else _("Something in the request is wrong.")


def _response(
    status: int, code: str, message: Message, headers: Mapping[str, str] | None = None, fields: object = None
) -> Response:
    return Response(body(code, message, fields), status=status, headers=dict(headers or {}))
