"""The table of ends, as PROTOCOL.md §20 has it."""

import pytest
from hypothesis import given, strategies as st

from whatsapp.ends import EndKind
from whatsapp.protocol.ends import BAN_DEFAULT_S, LOCAL, failure_end, http_end, local_end, stream_error_end
from whatsapp.protocol.nodes import Node

K = EndKind


def stream_error(code: str | None, *children: Node) -> Node:
    return Node("stream:error", {} if code is None else {"code": code}, list(children) or None)


def conflict(kind: str) -> Node:
    return Node("conflict", {"type": kind})


@pytest.mark.parametrize(
    ("node", "kind", "code", "detail"),
    [
        (stream_error("515"), K.RESTART, 515, "515"),
        (stream_error("401", conflict("device_removed")), K.UNLINKED, 401, "conflict"),
        (stream_error(None, conflict("device_removed")), K.UNLINKED, 401, "conflict"),
        (stream_error("401"), K.UNLINKED, 401, "401"),
        (stream_error(None, conflict("replaced")), K.REPLACED, 440, "conflict"),
        (stream_error("409", conflict("replaced")), K.REPLACED, 440, "conflict"),
        (stream_error(None, conflict("something new")), K.REPLACED, 440, "conflict"),
        (stream_error("440"), K.REPLACED, 440, "440"),
        (stream_error("403"), K.LOCKED, 403, "403"),
        (stream_error("405"), K.OUTDATED, 405, "405"),
        (stream_error("406"), K.BANNED, 406, "406"),
        (stream_error("503"), K.TRANSIENT, 503, "503"),
        (stream_error("500"), K.TRANSIENT, 500, "500"),
        (stream_error("599"), K.TRANSIENT, 599, "599"),
        (stream_error(None, Node("ack", {"id": "1"})), K.TRANSIENT, None, "ack"),
        (stream_error(None, Node("xml-not-well-formed")), K.TRANSIENT, None, "xml-not-well-formed"),
        (stream_error(None), K.TRANSIENT, None, ""),
        (stream_error("nonsense"), K.TRANSIENT, None, "nonsense"),
    ],
)
def test_stream_errors(node, kind, code, detail):
    end = stream_error_end(node)
    assert (end.kind, end.code, end.reason, end.detail) == (kind, code, "stream_error", detail)
    assert not end.network


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("401", K.UNLINKED),
        ("403", K.LOCKED),
        ("406", K.BANNED),
        ("402", K.TEMPORARY_BAN),
        ("405", K.OUTDATED),
        ("409", K.REFUSED),
        ("400", K.REFUSED),
        ("413", K.REFUSED),
        ("414", K.REFUSED),
        ("415", K.REFUSED),
        ("418", K.REFUSED),
        ("501", K.REFUSED),
        ("500", K.TRANSIENT),
        ("503", K.TRANSIENT),
        ("499", K.REFUSED),
    ],
)
def test_failures(reason, kind):
    end = failure_end(Node("failure", {"reason": reason}))
    assert (end.kind, end.code, end.reason) == (kind, int(reason), "failure")


@pytest.mark.parametrize("attrs", [{}, {"reason": "x"}, {"reason": "-1"}, {"reason": "9" * 40}])
def test_a_failure_without_a_readable_reason_is_refused(attrs):
    end = failure_end(Node("failure", attrs))
    assert (end.kind, end.code) == (K.REFUSED, None)


@pytest.mark.parametrize(
    ("expire", "seconds"), [("840", 840), (None, BAN_DEFAULT_S), ("x", BAN_DEFAULT_S), ("9" * 18, 366 * 86_400)]
)
def test_a_temporary_ban_says_how_long(expire, seconds):
    attrs = {"reason": "402", "code": "101"} | ({"expire": expire} if expire else {})
    end = failure_end(Node("failure", attrs))
    assert (end.expires_in_s, end.detail) == (seconds, "101")


@pytest.mark.parametrize("kind", list(EndKind))
def test_only_three_kinds_make_keys_worthless(kind):
    ends = [failure_end(Node("failure", {"reason": str(code)})) for code in range(400, 600)]
    ends += [stream_error_end(stream_error(str(code))) for code in range(400, 600)]
    for end in ends:
        if end.kind is kind:
            assert end.keys_worthless == (kind in (K.UNLINKED, K.LOCKED, K.BANNED))


@pytest.mark.parametrize("status", [301, 403, 404, 429, 500, 502, 503])
def test_an_http_answer_to_the_upgrade_teaches_nothing_about_the_account(status):
    end = http_end(status)
    assert (end.kind, end.code, end.reason, end.network) == (K.TRANSIENT, status, "http", True)


@pytest.mark.parametrize(
    ("reason", "kind", "code", "network"),
    [
        ("dns", K.TRANSIENT, None, True),
        ("connect_timeout", K.TRANSIENT, 408, True),
        ("hello_timeout", K.TRANSIENT, 408, True),
        ("certificate", K.TRANSIENT, None, True),
        ("keepalive", K.TRANSIENT, 408, False),
        ("closed", K.TRANSIENT, 428, False),
        ("bad_frame", K.TRANSIENT, None, False),
        ("not_scanned", K.NOT_SCANNED, 408, False),
        ("not_multi_device", K.REFUSED, 411, False),
        ("no_credentials", K.UNLINKED, None, False),
        ("handler", K.TRANSIENT, None, False),
        ("closed_by_us", K.CLOSED, None, False),
    ],
)
def test_what_we_find_out_ourselves(reason, kind, code, network):
    end = local_end(reason)
    assert (end.kind, end.code, end.reason, end.network) == (kind, code, reason, network)


def test_only_what_never_reached_the_server_is_the_networks_fault():
    assert {reason for reason, (_, _, network) in LOCAL.items() if network} == {
        "dns",
        "connect",
        "connect_timeout",
        "tls",
        "tls_timeout",
        "upgrade",
        "upgrade_timeout",
        "hello_timeout",
        "hello_closed",
        "handshake",
        "certificate",
    }


attrs = st.dictionaries(st.sampled_from(["code", "reason", "expire", "message", "type"]), st.text(max_size=300))


@given(attrs, attrs, st.sampled_from(["conflict", "ack", "x"]))
def test_whatever_the_server_says_becomes_one_end(outer, inner, child):
    for end in (
        stream_error_end(Node("stream:error", outer, [Node(child, inner)])),
        failure_end(Node("failure", outer)),
    ):
        assert end.kind in EndKind
        assert len(end.detail) <= 200
        assert (end.expires_in_s is not None) == (end.kind is K.TEMPORARY_BAN)
