"""What the server answers to clients' queries: one function for each namespace, type and first child."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from whatsapp.protocol.jid import Jid
from whatsapp.protocol.nodes import Node
from whatsapp.simulator import companions, key_queries
from whatsapp.simulator.accounts import Account, Device
from whatsapp.simulator.exceptions import Refused
from whatsapp.simulator.pairing import CodeAttempt

if TYPE_CHECKING:
    from whatsapp.simulator.session import Session

Handler = Callable[["Session", Node, Node], list[Node]]  # (session, the iq, its first child) -> the answer's children

_DISPLAY_ENDINGS: Final = ("(Linux)", "(Windows)", "(Mac OS)", "(Ubuntu)", "(macOS)")
_PRIVACY: Final = {
    "last": "all", "online": "all", "profile": "all", "status": "all", "readreceipts": "all", "groupadd": "all",
}  # fmt: skip


def success(account: Account, device: Device) -> Node:
    """What a login is answered with."""
    now = str(int(time.time()))
    attrs: dict[str, str | Jid] = {
        "t": now,
        "lid": device.lid,
        "display_name": account.name,
        "props": "1",
        "abprops": "1",
        "location": "sim",
        "creation": str(device.linked_at),
    }
    return Node("success", attrs)


def answer(session: "Session", iq: Node) -> Node:
    """The result for a query. Raises Refused where the server would."""
    kind, namespace = iq.attr("type"), iq.attr("xmlns")
    to = iq.attrs.get("to")
    if not isinstance(to, Jid) or (to.user and namespace not in ("w:profile:picture", "w:g2", "tos")):
        raise Refused(400, "bad-request", "a query whose `to` is not the server's address")
    children = iq.children()
    first = children[0] if children else Node("-")
    handler = _HANDLERS.get((namespace, kind, first.tag)) or _HANDLERS.get((namespace, kind, "*"))
    if handler is None:
        raise Refused(501, "feature-not-implemented", f"an unknown query: {kind} {namespace} <{first.tag}>")
    if session.device is None and (namespace, first.tag) not in _BEFORE_LOGIN:
        raise Refused(403, "forbidden", f"a query before the login: {namespace} <{first.tag}>")
    content = handler(session, iq, first)
    return Node("iq", {"from": to, "type": "result", "id": iq.attr("id")}, content or None)


def _nothing(session: "Session", iq: Node, child: Node) -> list[Node]:
    return []


def _ping(session: "Session", iq: Node, child: Node) -> list[Node]:
    return []


def _active(session: "Session", iq: Node, child: Node) -> list[Node]:
    session.active = True
    return []


def _passive(session: "Session", iq: Node, child: Node) -> list[Node]:
    session.active = False
    return []


def _remove(session: "Session", iq: Node, child: Node) -> list[Node]:
    device = session.device
    assert device is not None
    jid = child.attr_jid("jid")
    if jid is None or jid not in (device.jid, device.lid):
        raise Refused(401, "not-authorized", "a device may only remove itself")
    if child.attr("reason") != "user_initiated":
        raise Refused(400, "bad-request", "remove-companion-device without its reason")
    session.simulator.drop_device(device)
    return []


def _code_pairing(session: "Session", iq: Node, child: Node) -> list[Node]:
    pairing = session.pairing
    if pairing is None:
        raise Refused(403, "forbidden", "code pairing on a connection that is logged in")
    if child.attr("stage") == "companion_finish":
        return _code_finish(session, child)
    jid = child.attr_jid("jid")
    account = session.simulator.accounts.get(jid.user) if jid else None
    parts = {part.tag: part.data for part in child.children()}
    hidden = parts.get("link_code_pairing_wrapped_companion_ephemeral_pub", b"")
    display = parts.get("companion_platform_display", b"").decode("utf-8", "replace")
    if child.attr("stage") != "companion_hello" or len(hidden) != 80:
        raise Refused(400, "bad-request", "companion_hello without its stage or its wrapped key of 80 bytes")
    if parts.get("companion_server_auth_key_pub") != pairing.noise_public:
        raise Refused(400, "bad-request", "companion_hello names another noise key than the handshake")
    if not display.endswith(_DISPLAY_ENDINGS) or not parts.get("companion_platform_id"):
        raise Refused(400, "bad-request", f"the display name must look like Browser (OS), not {display[:40]!r}")
    if "link_code_pairing_nonce" not in parts:
        raise Refused(400, "bad-request", "companion_hello without a nonce")
    if account is None:
        raise Refused(404, "item-not-found")  # nobody has that number: the person's mistake, not the client's
    pairing.code = CodeAttempt(account, hidden)
    return [Node("link_code_companion_reg", {}, [Node("link_code_pairing_ref", {}, pairing.code.ref)])]


def _code_finish(session: "Session", child: Node) -> list[Node]:
    pairing = session.pairing
    attempt = pairing.code if pairing else None
    parts = {part.tag: part.data for part in child.children()}
    if pairing is None or attempt is None or attempt.bundle is None or attempt.bundle.done():
        raise Refused(400, "bad-request", "companion_finish before the phone said anything")
    if parts.get("link_code_pairing_ref") != attempt.ref:
        raise Refused(400, "bad-request", "companion_finish with the ref of another attempt")
    if parts.get("companion_identity_public") != pairing.registration.identity:
        raise Refused(400, "bad-request", "companion_finish with another identity than the registration")
    attempt.bundle.set_result(parts.get("link_code_pairing_wrapped_key_bundle", b""))
    return []


def _blocklist(session: "Session", iq: Node, child: Node) -> list[Node]:
    return [Node("list", {}, [])]


def _privacy(session: "Session", iq: Node, child: Node) -> list[Node]:
    return [Node("privacy", {}, [Node("category", {"name": name, "value": value}) for name, value in _PRIVACY.items()])]


def _props(session: "Session", iq: Node, child: Node) -> list[Node]:
    return [Node("props", {"hash": "1", "protocol": "1"}, [])]


def _picture(session: "Session", iq: Node, child: Node) -> list[Node]:
    raise Refused(404, "item-not-found")


def _groups(session: "Session", iq: Node, child: Node) -> list[Node]:
    return [Node("groups", {}, [])]


def _media(session: "Session", iq: Node, child: Node) -> list[Node]:
    media = session.simulator.media
    attrs = {"auth": media.auth_of(session.number or ""), "ttl": "300", "auth_ttl": "3600", "max_buckets": "12"}
    return [Node("media_conn", dict(attrs), [Node("host", {"hostname": media.hostname})])]


def _tokens(session: "Session", iq: Node, child: Node) -> list[Node]:
    """The client lets others write to it."""
    assert session.device is not None
    for token in child.children("token"):
        jid = token.attr_jid("jid")
        holder = session.simulator.account_of(jid) if jid else None
        if token.attr("type") != "trusted_contact" or not token.attr("t") or holder is None:
            session.mistake("a token for nobody, without its time or of an unknown type")
        else:
            session.simulator.issue_token(session.device.account, holder)
    return []


_BEFORE_LOGIN: Final = frozenset((("w:p", "-"), ("w:p", "ping"), ("md", "link_code_companion_reg")))
_HANDLERS: Final[dict[tuple[str, str, str], Handler]] = {
    ("w:p", "get", "*"): _ping,
    ("passive", "set", "active"): _active,
    ("passive", "set", "passive"): _passive,
    ("encrypt", "get", "count"): key_queries.count,
    ("encrypt", "get", "digest"): key_queries.digest,
    ("encrypt", "get", "key"): key_queries.bundles,
    ("encrypt", "set", "registration"): key_queries.upload,
    ("encrypt", "set", "rotate"): key_queries.rotate,
    ("md", "set", "remove-companion-device"): _remove,
    ("md", "set", "link_code_companion_reg"): _code_pairing,
    ("usync", "get", "usync"): companions.usync,
    ("blocklist", "get", "*"): _blocklist,
    ("privacy", "get", "privacy"): _privacy,
    ("privacy", "set", "tokens"): _tokens,
    ("privacy", "set", "*"): _nothing,
    ("abt", "get", "props"): _props,
    ("w", "get", "props"): _props,
    ("w:profile:picture", "get", "*"): _picture,
    ("w:g2", "get", "*"): _groups,
    ("w:m", "set", "media_conn"): _media,
    ("w:stats", "set", "*"): _nothing,
    ("status", "get", "*"): _nothing,
    ("urn:xmpp:whatsapp:dirty", "set", "clean"): _nothing,
    ("urn:xmpp:whatsapp:push", "set", "*"): _nothing,
    ("urn:xmpp:whatsapp:push", "get", "*"): _nothing,
}
