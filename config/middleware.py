"""What every request goes through: its path, its language, and an answer when the database has none."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.cache import patch_vary_headers

from config import errors

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class PathMiddleware:
    """Makes `/outlets/` the same address as `/outlets`. The admin has its own spelling, and keeps it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        path = request.path_info
        if path.endswith("/") and path != "/" and not path.startswith(("/admin/", settings.STATIC_URL)):
            request.path_info = path.rstrip("/") or "/"
        return self.get_response(request)


class DatabaseUnavailableMiddleware:
    """Answers 503 where a view could not reach the database. `errors.server_error` does it for other middleware.

    It also refuses at once what waited for a thread too long because the database makes every request wait: behind
    eight requests that each take a second to fail, the ninth could not answer within 2 s.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        waited_s: float = getattr(request, "waited_s", 0.0)
        if waited_s > 0.5 and errors.seconds_since_database_failure() < 2 and request.path_info != "/healthz":
            return errors.answer(request, 503)
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, errors.DATABASE_ERRORS):
            return errors.database_unavailable(request)
        return None


class LanguageMiddleware:
    """The cookie decides; without one it is Indonesian, whatever the browser prefers. The API takes Accept-Language."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        is_api = request.path_info.startswith("/api/")
        language = _language_of(request, is_api)
        translation.activate(language)
        request.LANGUAGE_CODE = language
        response = self.get_response(request)
        patch_vary_headers(response, ("Accept-Language",) if is_api else ("Cookie",))
        response.headers.setdefault("Content-Language", language)
        return response


def _language_of(request: HttpRequest, is_api: bool) -> str:
    known = {code for code, _name in settings.LANGUAGES}
    cookie = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)
    if cookie in known:
        return cookie
    if is_api and request.headers.get("Accept-Language"):
        return translation.get_language_from_request(request)
    return settings.LANGUAGE_CODE
