"""What every page that takes a form needs: who reads it, and how the form is answered."""

from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.models import User


def viewer(request: HttpRequest) -> User:
    """The account that asks. Only for views behind `login_required`."""
    return cast(User, request.user)


def answer(
    request: HttpRequest, message: str, *, is_ok: bool = True, link: str = "", undo: dict[str, str] | None = None
) -> HttpResponse:
    """The answer to a form: JSON for a script (409 if refused), else a message and the way back.

    `link` is where to go on, if anywhere; `undo` is `{"url", "label"}` of the form that takes this one back.
    """
    if request.headers.get("Accept", "").startswith("application/json"):
        body: dict[str, Any] = {"ok": is_ok, "message": message, "link": link, "undo": undo}
        return JsonResponse(body, status=200 if is_ok else 409)
    (messages.success if is_ok else messages.warning)(request, message)
    return HttpResponseRedirect(link or _way_back(request))


def _way_back(request: HttpRequest) -> str:
    back = request.POST.get("next", "")
    is_ours = back.startswith("/") and url_has_allowed_host_and_scheme(back, allowed_hosts=None)
    return back if is_ours else reverse("outlets")
