"""Rows drawn once for everybody: an event makes every open page ask, and all of them get the same drawing.

A drawing has no form token and names no reader: scripts send the token of the page. Its relative times may be old; the
scripts count them on.
"""

import json
from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock
from typing import Any

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import SafeString, mark_safe

from wa_sessions.presentation import Row

KEPT = 4000  # some 2 KiB each

_drawings: OrderedDict[str, str] = OrderedDict()
_lock = Lock()


def row_drawing(template: str, row: Row, **context: Any) -> SafeString:
    """`template` drawn with `row` and `context` (plain values); kept for the next who asks for the same."""
    key = json.dumps([template, translation.get_language(), fingerprint(row), context], default=str)
    with _lock:
        html = _drawings.get(key)
        if html is not None:
            _drawings.move_to_end(key)
    if html is None:
        html = render_to_string(template, {"row": row, **context})
        with _lock:
            _drawings[key] = html
            while len(_drawings) > KEPT:
                _drawings.popitem(last=False)
    return mark_safe(html)  # noqa: S308 - the template escaped what is foreign


def fingerprint(row: Row) -> list[Any]:
    """What a drawing of this row depends on. `verifiedAt` moves with every read, and rows do not show it."""
    status: Mapping[str, Any] = {key: value for key, value in row.status.items() if key != "verifiedAt"}
    return [status, row.manages, row.since, row.asks]
