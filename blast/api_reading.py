"""From the body of a request to what services take, and from their refusals to errors that name the field."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404, QueryDict
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.request import Request

from accounts.models import User
from blast import importing, listing, services
from blast.attachments import read_attachment
from blast.exceptions import BadRecipients
from blast.problems import Problem
from blast.variables import BadBody
from outlets.models import Outlet
from outlets.selectors import outlet_for

PROBLEMS_SHOWN = 500
_KEY_CHARS = 200


def plain(request: Request) -> Mapping[str, Any]:
    """The body as a dict: of a form, `outlets` may come several times, or once with commas; recipients as JSON."""
    data: Any = request.data
    if not isinstance(data, QueryDict):
        if not isinstance(data, dict):
            raise exceptions.ValidationError({"body": [_("Send an object.")]})
        return data
    found: dict[str, Any] = data.dict()
    if "outlets" in found:
        written = ",".join(data.getlist("outlets")).split(",")
        found["outlets"] = [part.strip() for part in written if part.strip()]
    if isinstance(found.get("recipients"), str):
        try:
            found["recipients"] = json.loads(found["recipients"])
        except (ValueError, RecursionError):
            raise exceptions.ValidationError({"recipients": [_("This is no JSON.")]}) from None
    if found.get("moveTo") == "":
        found["moveTo"] = None
    return found


def settings_of(user: User, data: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `blast_create` and `blast_update` that the body names, recipients aside."""
    found = {name: data[name] for name in ("name", "body", "assignment") if name in data}
    if "onUnhealthy" in data:
        found["on_unhealthy"] = data["onUnhealthy"]
    if data.get("moveTo") is not None:
        found["move_to"] = _outlet(user, data["moveTo"])
    if "outlets" in data:
        chosen = (_outlet(user, each) for each in data["outlets"])
        found["outlets"] = list({outlet.pk: outlet for outlet in chosen}.values())
    if "attachment" in data:
        found["attachment"] = read_attachment(data["attachment"])
    return found


def rows_of(data: Mapping[str, Any], body: str) -> dict[str, Any]:
    """`rows` and `left_out` for the services, if the body brings recipients. Raises `BadRecipients`, `BadBody`."""
    if "file" in data:
        parsed = importing.read_file(data["file"].read(), data["file"].name or "", body)
    elif "recipients" in data:
        parsed = importing.read_rows(data["recipients"], body)
    elif "recipientsText" in data:
        parsed = importing.read_text(data["recipientsText"], body)
    else:
        return {}
    foreign: bool = data.get("confirmForeign", False)
    rows = importing.usable(parsed, confirms_foreign=foreign, leaves_out_bad=data.get("leaveOutBad", False))
    return {"rows": rows, "left_out": listing.left_out(parsed, confirms_foreign=foreign)}


class refusals:  # noqa: N801 - used like a function
    """Within it, what services refuse becomes a 400 that names the field."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, BadRecipients):
            raise bad_recipients(error.problems) from None
        if isinstance(error, BadBody):
            message = _("“%(mark)s” is no variable. Write {name}, or {{ and }} for braces.") % {"mark": error.mark}
            raise exceptions.ValidationError({"body": [message]}) from None
        if isinstance(error, ValidationError):
            raise exceptions.ValidationError(_by_field(error)) from None


def bad_recipients(problems: list[Problem]) -> exceptions.ValidationError:
    """Each bad row with its line, code and sentence."""
    refusal = exceptions.ValidationError({})
    rows: Any = [
        {"message": each.message, "line": each.line, "code": each.code.value} for each in problems[:PROBLEMS_SHOWN]
    ]
    detail: Any = {"recipients": rows, "problemCount": len(problems)}
    refusal.detail = detail
    return refusal


def _outlet(user: User, outlet_id: str) -> Outlet:
    """An outlet of the body. One that the person does not see is a wrong value like any other."""
    try:
        return outlet_for(user, outlet_id)
    except Http404:
        raise exceptions.ValidationError({"outlets": [_("There is no such outlet.")]}) from None


def _by_field(error: ValidationError) -> dict[str, list[str]]:
    if hasattr(error, "error_dict"):
        return {field: [str(message) for message in messages] for field, messages in error.message_dict.items()}
    return {"attachment": [str(message) for message in error.messages]}


def key_of(request: Request, data: Mapping[str, Any]) -> services.Key | None:
    text = request.headers.get("Idempotency-Key", "").strip()
    if not text:
        return None
    if len(text) > _KEY_CHARS or not text.isprintable():
        raise exceptions.ValidationError({"Idempotency-Key": [_("At most 200 printable characters.")]})
    digest = hashlib.sha256()
    for name, value in sorted(data.items()):
        if hasattr(value, "read"):
            value.seek(0)
            content = value.read()
            value.seek(0)
        else:
            content = json.dumps(value, sort_keys=True, default=str).encode()
        digest.update(f"{name}:{len(content)}:".encode() + content)
    return services.Key(text, digest.hexdigest())
