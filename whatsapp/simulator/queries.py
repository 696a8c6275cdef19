"""What the server answers to clients' queries: one function for each namespace, type and first child."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from whatsapp.protocol.jid import Jid
from whatsapp.protocol.nodes import Node
from whatsapp.simulator import key_queries
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


def _usync(session: "Session", iq: Node, child: Node) -> list[Node]:
    asked = {part.tag for part in child.children("query") for part in part.children()}
    users = [user for part in child.children("list") for user in part.children("user")]
    if not asked or not users or not child.attr("sid"):
        raise Refused(400, "bad-request", "a usync without a sid, a query or users")
    answers = [_usync_user(session, user, asked) for user in users]
    result = Node("result", {}, [Node(tag) for tag in sorted(asked)])
    attrs = {key: child.attr(key) for key in ("sid", "index", "last", "mode", "context")}
    return [Node("usync", dict(attrs), [result, Node("list", {}, answers)])]


def _usync_user(session: "Session", user: Node, asked: set[str]) -> Node:
    contact = user.child("contact")
    written = contact.text.removeprefix("+").removesuffix("@c.us") if contact else ""
    jid = user.attr_jid("jid") or Jid(written)
    account = session.simulator.account_of(jid)
    parts: list[Node] = []
    if "contact" in asked:
        parts.append(Node("contact", {"type": "in" if account else "out"}))
    if "lid" in asked and account is not None and not jid.is_lid:
        parts.append(Node("lid", {"val": Jid(account.lid, "lid")}))
    if "devices" in asked and account is not None:
        devices = [Node("device", {"id": "0"})]
        devices += [
            Node("device", {"id": str(device.number), "key-index": str(device.key_index)})
            for device in account.devices.values()
        ]
        parts.append(Node("devices", {}, [Node("device-list", {}, devices)]))
    return Node("user", {"jid": jid.bare}, parts)


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
    attrs = {"auth": "sim", "ttl": "300", "auth_ttl": "3600", "max_buckets": "12"}
    return [Node("media_conn", dict(attrs), [Node("host", {"hostname": "media.invalid"})])]


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
    ("usync", "get", "usync"): _usync,
    ("blocklist", "get", "*"): _blocklist,
    ("privacy", "get", "privacy"): _privacy,
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
