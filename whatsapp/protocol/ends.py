"""What each way to end means (PROTOCOL.md §20). The tables are the rule; the functions only look things up in them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from whatsapp.ends import End, EndKind
from whatsapp.protocol.nodes import Node

TIMED_OUT: Final = 408
CONNECTION_CLOSED: Final = 428
CONFLICT: Final = 440
MULTI_DEVICE_MISMATCH: Final = 411

# A temporary ban without a readable end: look again after this long.
BAN_DEFAULT_S: Final = 3600
_BAN_LONGEST_S: Final = 366 * 86_400
_DETAIL_CHARACTERS: Final = 200

# <failure reason="…"/> in place of <success/>. What is not here is REFUSED: stop, keep the keys.
FAILURES: Final[Mapping[int, EndKind]] = MappingProxyType(
    {
        400: EndKind.REFUSED,
        401: EndKind.UNLINKED,
        402: EndKind.TEMPORARY_BAN,
        403: EndKind.LOCKED,
        405: EndKind.OUTDATED,
        406: EndKind.BANNED,
        409: EndKind.REFUSED,
        413: EndKind.REFUSED,
        414: EndKind.REFUSED,
        415: EndKind.REFUSED,
        418: EndKind.REFUSED,
        500: EndKind.TRANSIENT,
        501: EndKind.REFUSED,
        503: EndKind.TRANSIENT,
    }
)

# <stream:error code="…">. What is not here is trouble of the line: TRANSIENT.
STREAM_ERRORS: Final[Mapping[int, EndKind]] = MappingProxyType(
    {
        401: EndKind.UNLINKED,
        402: EndKind.TEMPORARY_BAN,
        403: EndKind.LOCKED,
        405: EndKind.OUTDATED,
        406: EndKind.BANNED,
        CONFLICT: EndKind.REPLACED,
        500: EndKind.TRANSIENT,
        503: EndKind.TRANSIENT,
        515: EndKind.RESTART,
    }
)

# <stream:error><conflict type="…"/>, which outweighs the code. Any other type is REPLACED: never fight for a line.
CONFLICTS: Final[Mapping[str, tuple[EndKind, int]]] = MappingProxyType(
    {
        "device_removed": (EndKind.UNLINKED, 401),
        "replaced": (EndKind.REPLACED, CONFLICT),
    }
)

# What we find out by ourselves, by the word that `End.reason` and the log carry: kind, code, and whether the server was
# never reached, so that nothing was learned about the account.
LOCAL: Final[Mapping[str, tuple[EndKind, int | None, bool]]] = MappingProxyType(
    {
        # before the server's hello was believed
        "dns": (EndKind.TRANSIENT, None, True),
        "connect": (EndKind.TRANSIENT, None, True),
        "connect_timeout": (EndKind.TRANSIENT, TIMED_OUT, True),
        "tls": (EndKind.TRANSIENT, None, True),
        "tls_timeout": (EndKind.TRANSIENT, TIMED_OUT, True),
        "upgrade": (EndKind.TRANSIENT, None, True),
        "upgrade_timeout": (EndKind.TRANSIENT, TIMED_OUT, True),
        "hello_timeout": (EndKind.TRANSIENT, TIMED_OUT, True),
        "hello_closed": (EndKind.TRANSIENT, CONNECTION_CLOSED, True),
        "handshake": (EndKind.TRANSIENT, None, True),
        "certificate": (EndKind.TRANSIENT, None, True),
        # afterwards
        "login_timeout": (EndKind.TRANSIENT, TIMED_OUT, False),
        "query_timeout": (EndKind.TRANSIENT, TIMED_OUT, False),
        "query_refused": (EndKind.TRANSIENT, None, False),
        "keepalive": (EndKind.TRANSIENT, TIMED_OUT, False),
        "closed": (EndKind.TRANSIENT, CONNECTION_CLOSED, False),
        "stream_end": (EndKind.TRANSIENT, CONNECTION_CLOSED, False),
        "bad_frame": (EndKind.TRANSIENT, None, False),
        "bad_node": (EndKind.TRANSIENT, None, False),
        "write_blocked": (EndKind.TRANSIENT, None, False),
        "not_scanned": (EndKind.NOT_SCANNED, TIMED_OUT, False),
        "pairing": (EndKind.PAIRING_FAILED, None, False),
        "passkey": (EndKind.PAIRING_FAILED, None, False),
        "not_multi_device": (EndKind.REFUSED, MULTI_DEVICE_MISMATCH, False),
        "paired": (EndKind.RESTART, 515, False),
        # on our own side
        "no_credentials": (EndKind.UNLINKED, None, False),
        "store": (EndKind.TRANSIENT, None, False),
        "handler": (EndKind.TRANSIENT, None, False),
        "overrun": (EndKind.TRANSIENT, None, False),
        "internal": (EndKind.TRANSIENT, None, False),
        "closed_by_us": (EndKind.CLOSED, None, False),
    }
)


def local_end(reason: str, *, code: int | None = None, detail: str = "") -> End:
    """The End for a word of `LOCAL`; `code` takes the place of the table's."""
    kind, usual_code, network = LOCAL[reason]
    return End(kind, usual_code if code is None else code, reason, network, detail=detail[:_DETAIL_CHARACTERS])


def http_end(status: int) -> End:
    """The upgrade was answered with an HTTP status: the server, or what stands before it, has no room now."""
    return End(EndKind.TRANSIENT, status, "http", network=True)


def failure_end(node: Node) -> End:
    """The End that a `<failure>` means."""
    reason = node.attr_int("reason", -1)
    kind = FAILURES.get(reason, EndKind.REFUSED)
    detail = node.attr("message") or node.attr("code")
    return _server_end(kind, None if reason < 0 else reason, "failure", node, detail)


def stream_error_end(node: Node) -> End:
    """The End that a `<stream:error>` means. `detail` is its word: the code, or the kind of conflict or child."""
    children = node.children()
    detail = children[0].tag if children else node.attr("code")
    number = node.attr_int("code", -1)
    code = None if number < 0 else number
    kind = STREAM_ERRORS.get(number, EndKind.TRANSIENT)
    conflict = node.child("conflict")
    if conflict is not None:
        kind, code = CONFLICTS.get(conflict.attr("type"), CONFLICTS["replaced"])
        detail = "conflict"
    return _server_end(kind, code, "stream_error", node, detail)


def _server_end(kind: EndKind, code: int | None, reason: str, node: Node, detail: str) -> End:
    expires = None
    if kind is EndKind.TEMPORARY_BAN:
        expires = min(node.attr_int("expire") or BAN_DEFAULT_S, _BAN_LONGEST_S)
    return End(kind, code, reason, expires_in_s=expires, detail=detail[:_DETAIL_CHARACTERS])
