"""What the server answers to queries that are not about keys."""

import pytest

from tests.whatsapp.simulator.raw_client import RawClient
from whatsapp.credentials import Credentials
from whatsapp.protocol.jid import SERVER_JID, Jid
from whatsapp.protocol.nodes import Node
from whatsapp.simulator import Simulator
from whatsapp.simulator.phone import Phone

TEXT_TO = {"to": "s.whatsapp.net"}


@pytest.mark.parametrize(
    ("namespace", "kind", "child", "answered"),
    [
        ("w:p", "get", None, None),
        ("w:p", "get", Node("ping"), None),
        ("privacy", "get", Node("privacy"), "privacy"),
        ("blocklist", "get", None, "list"),
        ("abt", "get", Node("props", {"protocol": "1"}), "props"),
        ("w:m", "set", Node("media_conn"), "media_conn"),
        ("w:g2", "get", Node("participating"), "groups"),
        ("urn:xmpp:whatsapp:dirty", "set", Node("clean", {"type": "account_sync"}), None),
        ("passive", "set", Node("passive"), None),
    ],
)
async def test_it_answers(
    simulator: Simulator, linked: Credentials, namespace: str, kind: str, child: Node | None, answered: str | None
) -> None:
    client = await RawClient.log_in(simulator, linked)
    answer = await client.query(namespace, kind, *([child] if child else []))
    assert answer.attr("type") == "result"
    assert answer.attrs["from"] == SERVER_JID
    assert [each.tag for each in answer.children()] == ([answered] if answered else [])
    assert simulator.mistakes == []


@pytest.mark.parametrize(
    ("namespace", "kind", "child", "code"),
    [
        ("w:nonsense", "get", Node("x"), 501),
        ("encrypt", "get", Node("x"), 501),
        ("passive", "get", Node("active"), 501),
        ("w:profile:picture", "get", Node("picture"), 404),
        ("usync", "get", Node("usync"), 400),
        ("md", "set", Node("link_code_companion_reg", {"stage": "companion_hello"}), 403),
        ("md", "set", Node("remove-companion-device", {"jid": Jid("62899", device=1)}), 401),
        ("md", "set", Node("remove-companion-device", {"jid": Jid("6287788987745", device=1)}), 400),
    ],
)
async def test_it_refuses(
    simulator: Simulator, phone: Phone, linked: Credentials, namespace: str, kind: str, child: Node, code: int
) -> None:
    client = await RawClient.log_in(simulator, linked)
    assert await client.error(namespace, kind, child) == code
    assert len(simulator.mistakes) == (code != 404)
    assert len(phone.devices) == 1


async def test_it_refuses_a_query_to_the_bare_word(simulator: Simulator, linked: Credentials) -> None:
    client = await RawClient.log_in(simulator, linked)
    assert await client.error("w:p", "get", to="s.whatsapp.net") == 400
    assert await client.error("w:p", "get", to=Jid("6281")) == 400
    assert "address" in simulator.mistakes[0].reason


async def test_a_device_removes_itself(simulator: Simulator, phone: Phone, linked: Credentials) -> None:
    client = await RawClient.log_in(simulator, linked)
    remove = Node("remove-companion-device", {"jid": phone.devices[0].jid, "reason": "user_initiated"})
    assert (await client.query("md", "set", remove)).attr("type") == "result"
    assert (await client.receive()).attr("code") == "401"
    assert phone.devices == []
    assert simulator.mistakes == []


async def test_it_knows_devices_lids_and_who_is_on_whatsapp(
    simulator: Simulator, phone: Phone, linked: Credentials
) -> None:
    client = await RawClient.log_in(simulator, linked)
    users = [
        Node("user", {"jid": Jid(phone.number)}),
        Node("user", {}, [Node("contact", {}, f"+{phone.number}")]),
        Node("user", {}, [Node("contact", {}, "+6280000000")]),
        Node("user", {"jid": Jid(phone.account.lid, "lid")}),
    ]
    query = Node("query", {}, [Node("devices", {"version": "2"}), Node("lid"), Node("contact")])
    usync = Node("usync", {"sid": "1", "mode": "query", "context": "message"}, [query, Node("list", {}, users)])
    answer = (await client.query("usync", "get", usync)).child("usync", "list")
    assert answer is not None
    by_jid, by_contact, stranger, by_lid = answer.children("user")
    devices = by_jid.child("devices", "device-list")
    assert devices is not None
    assert [each.attrs for each in devices.children()] == [{"id": "0"}, {"id": "1", "key-index": "1"}]
    lid = by_jid.child("lid")
    assert lid is not None
    assert lid.attrs["val"] == Jid(phone.account.lid, "lid")
    assert by_contact.attrs["jid"] == Jid(phone.number)
    assert [user.child("contact").attr("type") for user in (by_contact, stranger)] == ["in", "out"]  # type: ignore[union-attr]
    assert by_lid.child("lid") is None
    assert by_lid.child("devices") is not None
