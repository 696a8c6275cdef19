"""Orders that strike at messages, tokens and uploads."""

import asyncio
import time

import httpx
import pytest

from tests.whatsapp.simulator.raw_client import RawClient
from tests.whatsapp.simulator.writer import Writer
from whatsapp.protocol import media
from whatsapp.protocol.jid import Jid
from whatsapp.protocol.media import MediaKind
from whatsapp.protocol.messages import Document, Image, encode
from whatsapp.protocol.nodes import Node
from whatsapp.protocol.payload import DeviceDescription, login_payload
from whatsapp.simulator import Simulator, SimulatorError
from whatsapp.simulator.phone import Phone

PERSON = "6281234567890"
TO = Jid(PERSON)


@pytest.fixture
def person(simulator: Simulator) -> Phone:
    return simulator.add_phone(PERSON, name="Budi")


@pytest.fixture
async def writer(simulator: Simulator, phone: Phone, person: Phone) -> Writer:
    return await Writer.log_in(simulator, simulator.link_directly(phone.number, pre_keys=0))


def texts(phone: Phone) -> list[str | None]:
    return [message.text for message in phone.inbox.messages.values()]


async def test_a_message_is_refused_to_order(simulator: Simulator, phone: Phone, person: Phone, writer: Writer) -> None:
    person.confirms = False
    simulator.fault("ack_error", phone.number, skip=1, times=1)
    simulator.fault("ack_error", "6280000000", code=479)
    errors = [(await writer.send(TO, "Halo", f"3EB0{number}")).attr("error") for number in range(3)]
    assert errors == ["", "463", ""]
    assert len(texts(person)) == 2
    assert next(iter(simulator.faults)).number == "6280000000"


@pytest.mark.parametrize(("stage", "arrived", "acked"), [("message", 1, 0), ("taken", 2, 0), ("acked", 2, 1)])
async def test_the_connection_drops_around_an_ack(
    simulator: Simulator, phone: Phone, person: Phone, writer: Writer, stage: str, arrived: int, acked: int
) -> None:
    person.confirms = False
    simulator.fault("drop", phone.number, stage=stage, skip=1)
    await writer.send(TO, "Halo", "3EB00")
    stanza = await writer.message(TO, "Halo", "3EB01")
    await writer.say(stanza)
    if acked:
        assert (await writer.client.receive()).attr("id") == "3EB01"
    assert await writer.client.closed() is None
    assert len(texts(person)) == arrived
    writer.client = await RawClient.log_in(simulator, writer.client.credentials)
    await writer.say(stanza)
    assert (await writer.client.receive()).attr("id") == "3EB01"
    await asyncio.sleep(0.05)
    assert (len(texts(person)), person.inbox.repeats) == (2, arrived - 1)
    assert simulator.mistakes == []


async def test_an_ack_comes_late_or_never(simulator: Simulator, phone: Phone, person: Phone, writer: Writer) -> None:
    person.confirms = False
    fault = simulator.fault("ack_delay", phone.number, delay_s=0.2)
    start = time.monotonic()
    await writer.send(TO, "Halo", "3EB00")
    assert time.monotonic() - start > 0.2
    await simulator.lift(fault_id=fault.fault_id)
    simulator.fault("no_ack", phone.number)
    await writer.say(await writer.message(TO, "Halo", "3EB01"))
    assert await writer.client.silent()
    assert len(texts(person)) == 2
    with pytest.raises(SimulatorError, match="delay_s"):
        simulator.fault("ack_delay")


async def test_a_ban_in_the_middle(simulator: Simulator, phone: Phone, writer: Writer) -> None:
    simulator.fault("failure", phone.number, code=402, ban_code=101, expire_s=60)
    simulator.fault("drop", phone.number, stage="acked")
    await writer.send(TO, "Halo", "3EB00")
    await writer.client.closed()
    client = await RawClient.dial(simulator, writer.client.credentials)
    await client.shake(login_payload(client.credentials, DeviceDescription()))
    failure = await client.receive()
    assert (failure.attr("reason"), failure.attr("code"), failure.attr("expire")) == ("402", "101", "60")


async def test_a_chat_needs_a_token_where_that_is_ordered(
    simulator: Simulator, phone: Phone, person: Phone, writer: Writer
) -> None:
    person.confirms = False
    simulator.fault("token_required", phone.number)
    assert (await writer.send(TO, "Halo", "3EB00")).attr("error") == "463"
    person.give_token(phone.number)
    notification = await writer.take("notification")
    token = notification.child("tokens", "token")
    assert token is not None
    assert (notification.attrs["from"], notification.attrs["sender_lid"]) == (TO, Jid(person.account.lid, "lid"))
    ack = await writer.send(TO, "Halo", "3EB01", extra=[Node("tctoken", {}, token.data)])
    assert "error" not in ack.attrs
    assert simulator.mistakes == []
    ack = await writer.send(TO, "Halo", "3EB02", extra=[Node("tctoken", {}, b"made up")])
    assert ack.attr("error") == "463"
    assert "did not issue" in simulator.mistakes[0].reason
    ack = await writer.send(Jid(phone.number), "Halo", "3EB03", extra=[Node("tctoken", {}, token.data)])
    assert ack.attr("error") == "479"


async def test_a_client_lets_others_write_to_it(
    simulator: Simulator, phone: Phone, person: Phone, writer: Writer
) -> None:
    token = Node("token", {"jid": TO, "t": "1700000000", "type": "trusted_contact"})
    await writer.client.query("privacy", "set", Node("tokens", {}, [token]))
    assert simulator.tokens[phone.number, PERSON]
    await writer.client.query("privacy", "set", Node("tokens", {}, [Node("token", {"jid": TO})]))
    assert "a token for nobody" in simulator.mistakes[0].reason


async def upload(writer: Writer, encrypted: media.EncryptedMedia, **changes: str) -> httpx.Response:
    connection = (await writer.client.query("w:m", "set", Node("media_conn"))).child("media_conn")
    assert connection is not None
    host = connection.child("host")
    assert host is not None
    query = {"auth": connection.attr("auth"), "token": encrypted.token, **changes}
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.post(
            f"http://{host.attr('hostname')}{encrypted.upload_path}", params=query, content=encrypted.body
        )


async def test_files_are_uploaded_and_read(simulator: Simulator, person: Phone, writer: Writer) -> None:
    person.confirms = False
    data = b"\xff\xd8\xff" + bytes(100_000)
    for kind in (MediaKind.IMAGE, MediaKind.DOCUMENT):
        encrypted = media.encrypt(data, kind)
        answer = (await upload(writer, encrypted)).json()
        uploaded = encrypted.uploaded(url=answer["url"], direct_path=answer["direct_path"], at=1_700_000_000)
        content = (
            Image(uploaded, "Promo")
            if kind is MediaKind.IMAGE
            else Document(uploaded, "Promo", "application/pdf", "a.pdf")
        )
        await writer.send(TO, "", f"3EB0{kind}", payload=encode(content))
        async with httpx.AsyncClient(trust_env=False) as http:
            assert (await http.get(answer["url"])).content == encrypted.body
    image, document = person.inbox.messages.values()
    assert (image.kind, image.text, image.media, image.problem) == ("image", "Promo", data, "")
    assert (document.kind, document.text, document.file_name, document.media) == ("document", "Promo", "a.pdf", data)
    assert image.as_dict()["media"] == len(data)
    simulator.media.files.clear()
    await writer.send(TO, "", "3EB09", payload=encode(content))
    assert list(person.inbox.messages.values())[-1].problem == "no such file was uploaded"
    assert simulator.media.uploads == 2
    assert simulator.mistakes == []


async def test_uploads_are_refused(simulator: Simulator, phone: Phone, writer: Writer) -> None:
    encrypted = media.encrypt(b"data", MediaKind.IMAGE)
    assert (await upload(writer, encrypted, auth="x")).status_code == 401
    assert (await upload(writer, encrypted, token="x")).status_code == 400
    assert [mistake.reason[:9] for mistake in simulator.mistakes] == ["an upload", "an upload"]
    simulator.fault("media", phone.number, code=507)
    assert (await upload(writer, encrypted)).status_code == 507
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(f"http://{simulator.media.hostname}/v/nothing")).status_code == 404
        assert (await http.put(f"http://{simulator.media.hostname}/")).status_code == 405


async def test_devices_are_announced(simulator: Simulator, phone: Phone, person: Phone, writer: Writer) -> None:
    person.confirms = False
    await writer.send(TO, "Halo", "3EB00")
    simulator.link_directly(PERSON)
    notification = await writer.take("notification")
    device = notification.child("add", "device")
    assert device is not None
    assert (notification.attr("type"), device.attrs["jid"], device.attr("key-index")) == (
        "devices",
        TO.with_device(1),
        "1",
    )
    await person.unlink(1)
    removed = (await writer.take("notification")).child("remove", "device")
    assert removed is not None
    assert removed.attrs["jid"] == TO.with_device(1)
    simulator.link_directly(phone.number)
    assert (await writer.take("notification")).attrs["from"] == Jid(phone.number)


async def test_a_number_may_be_known_under_other_digits(simulator: Simulator, person: Phone, writer: Writer) -> None:
    simulator.spellings["62081234567890"] = PERSON
    users = Node("list", {}, [Node("user", {}, [Node("contact", {}, "+62081234567890")])])
    query = Node("query", {}, [Node("contact")])
    usync = Node("usync", {"sid": "1", "mode": "query", "context": "interactive"}, [query, users])
    user = (await writer.client.query("usync", "get", usync)).child("usync", "list", "user")
    assert user is not None
    assert user.attrs["jid"] == TO


@pytest.mark.parametrize("on_whatsapp", [True, False])
async def test_numbers_are_checked_by_lid(
    simulator: Simulator, person: Phone, writer: Writer, on_whatsapp: bool
) -> None:
    number = PERSON if on_whatsapp else "6280000000"
    query = Node("query", {}, [Node("contact", {"addressing_mode": "lid"})])
    users = Node("list", {}, [Node("user", {}, [Node("contact", {}, f"+{number}@c.us")])])
    usync = Node("usync", {"sid": "1", "mode": "query", "context": "interactive"}, [query, users])
    user = (await writer.client.query("usync", "get", usync)).child("usync", "list", "user")
    assert user is not None
    contact = user.child("contact")
    assert contact is not None
    assert (contact.attr("type"), contact.text) == ("in" if on_whatsapp else "out", f"+{number}@c.us")
    expected = {"jid": Jid(person.account.lid, "lid"), "pn_jid": TO} if on_whatsapp else {}
    assert user.attrs == expected
    assert simulator.mistakes == []
