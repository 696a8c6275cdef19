"""Texts from clients to phones and back."""

import asyncio

import pytest

from tests.whatsapp.simulator.writer import Writer
from whatsapp.protocol.jid import Jid
from whatsapp.protocol.messages import participants_hash
from whatsapp.protocol.nodes import Node
from whatsapp.simulator import PhoneError, Simulator
from whatsapp.simulator.delivery import ids_of
from whatsapp.simulator.phone import Phone

PERSON = "6281234567890"
TO = Jid(PERSON)


@pytest.fixture
def person(simulator: Simulator) -> Phone:
    return simulator.add_phone(PERSON, name="Budi")


@pytest.fixture
async def writer(simulator: Simulator, phone: Phone, person: Phone) -> Writer:
    return await Writer.log_in(simulator, simulator.link_directly(phone.number, pre_keys=0), pre_keys=10)


def texts(phone: Phone) -> list[str | None]:
    return [message.text for message in phone.inbox.messages.values()]


@pytest.mark.parametrize("as_lid", [False, True])
async def test_a_text_arrives_and_its_receipts_come_back(
    simulator: Simulator, phone: Phone, person: Phone, writer: Writer, as_lid: bool
) -> None:
    person.reads = True
    to = person.account.address(0, as_lid=as_lid)
    own = phone.account.address(0, as_lid=as_lid)
    for number in (1, 2):
        ack = await writer.send(to, f"Halo {number}", f"3EB0{number}", [to, own], own=own.user)
        assert "phash" not in ack.attrs
        assert ack.attr_int("t") > 0
        kinds = [await writer.take("receipt") for _ in range(3)]
        assert sorted((receipt.attr("type"), receipt.attrs["from"]) for receipt in kinds) == sorted(
            [("", to), ("read", to), ("sender", own)]
        )
    assert texts(person) == ["Halo 1", "Halo 2"]
    assert [(message.sender, message.device) for message in person.inbox.messages.values()] == [(phone.number, 1)] * 2
    assert [(copy.text, copy.chat) for copy in phone.copies.messages.values()] == [
        ("Halo 1", PERSON),
        ("Halo 2", PERSON),
    ]
    assert simulator.mistakes == []
    counts = simulator.counts(phone.number)
    assert (counts.messages, counts.refused_messages) == (2, 0)


@pytest.mark.parametrize("as_lid", [False, True])
async def test_a_phone_writes_and_is_answered(
    simulator: Simulator, phone: Phone, person: Phone, writer: Writer, as_lid: bool
) -> None:
    message_id = await person.send(phone.number, "STOP", as_lid=as_lid)
    message = await writer.take("message")
    sender = person.account.address(0, as_lid=as_lid)
    assert message.attrs["from"] == sender
    assert message.attrs["sender_pn" if as_lid else "sender_lid"] == person.account.address(0, as_lid=not as_lid)
    assert (message.attr("id"), message.attr("type"), message.attr("notify")) == (message_id, "text", "Budi")
    assert writer.read(message) == "STOP"
    assert texts(phone) == ["STOP"]
    await writer.send(sender, "Baik", "3EB0A")
    await writer.take("receipt")
    await person.send(phone.number, "Terima kasih", as_lid=as_lid)
    enc = (again := await writer.take("message")).child("enc")
    assert enc is not None
    assert enc.attr("type") == "msg"
    assert writer.read(again) == "Terima kasih"
    assert [(receipt.message_id, receipt.kind) for receipt in person.receipts][:2] == [(message_id, "")] * 2
    assert simulator.mistakes == []
    with pytest.raises(PhoneError, match="not on WhatsApp"):
        await person.send("6280000000", "?")


async def test_a_phone_without_network_gets_it_later(simulator: Simulator, person: Phone, writer: Writer) -> None:
    person.network = False
    await writer.send(TO, "Halo", "3EB01")
    assert await writer.client.silent(0.1)
    assert texts(person) == []
    with pytest.raises(PhoneError, match="no network"):
        await person.send("628", "?")
    person.network = True
    assert (await writer.take("receipt")).attr("id") == "3EB01"
    assert texts(person) == ["Halo"]


async def test_a_client_that_is_away_gets_it_at_its_next_login(
    simulator: Simulator, phone: Phone, person: Phone, writer: Writer
) -> None:
    await writer.client.socket.close()
    await person.send(phone.number, "Halo")
    await asyncio.sleep(0)
    for _ in range(2):  # what is not acknowledged comes again
        writer.client = await type(writer.client).log_in(simulator, writer.client.credentials, active=False)
        await writer.client.query("passive", "set", Node("active"))
        preview = (await writer.client.receive()).child("offline_preview")
        assert preview is not None
        assert preview.attr("message") == "1"
        message = await writer.client.receive()
        assert message.attr("offline") == "0"
    assert writer.read(message) == "Halo"


async def test_a_damaged_one_is_asked_for_again(
    simulator: Simulator, phone: Phone, person: Phone, writer: Writer
) -> None:
    person.corrupt = 1
    await writer.send(TO, "Halo", "3EB01")
    retry = await writer.take("receipt")
    part = retry.child("retry")
    assert part is not None
    assert (retry.attr("type"), retry.attr("id"), part.attr("count")) == ("retry", "3EB01", "1")
    assert texts(person) == []
    stanza = await writer.message(TO, "Halo", "3EB01")
    enc = stanza.children()[0].children()[0].children()
    enc[0].attrs["count"] = "1"
    stanza.content = [*enc, *stanza.children()[1:]]
    await writer.say(stanza)
    assert (await writer.client.receive()).attr("class") == "message"
    assert (await writer.take("receipt")).attr("type") == ""
    assert texts(person) == ["Halo"]
    assert simulator.mistakes == []


async def test_what_a_phone_sent_is_asked_for_again(
    simulator: Simulator, phone: Phone, person: Phone, writer: Writer
) -> None:
    message_id = await person.send(phone.number, "Halo")
    message = await writer.client.receive()
    retry = Node("retry", {"count": "2", "id": message_id, "t": message.attr("t"), "v": "1"})
    registration = Node("registration", {}, writer.local.registration_id.to_bytes(4, "big"))
    await writer.client.send("receipt", {"id": message_id, "to": TO, "type": "retry"}, [retry, registration])
    assert (await writer.client.receive()).attr("class") == "receipt"
    again = await writer.take("message")
    enc = again.child("enc")
    assert enc is not None
    assert (again.attr("id"), enc.attr("count")) == (message_id, "2")
    assert writer.read(again) == "Halo"
    assert simulator.mistakes == []


async def test_a_phone_installed_anew_has_other_keys(
    simulator: Simulator, phone: Phone, person: Phone, writer: Writer
) -> None:
    await writer.send(TO, "Halo", "3EB01")
    await writer.take("receipt")
    person.reinstall()
    notification = await writer.take("notification")
    assert (notification.attr("type"), notification.attrs["from"]) == ("encrypt", TO)
    assert notification.child("identity") is not None
    await writer.send(TO, "Halo?", "3EB02")
    assert (await writer.take("receipt")).attr("type") == "retry"
    await writer.fetch(TO)
    assert writer.records[TO].identity == person.account.account_key
    await writer.send(TO, "Halo?", "3EB02")
    assert (await writer.take("receipt")).attr("type") == ""
    assert texts(person) == ["Halo", "Halo?"]
    assert simulator.mistakes == []


async def test_receipts_may_come_late(person: Phone, writer: Writer) -> None:
    person.delay_s, person.reads = 0.2, True
    await writer.send(TO, "Halo", "3EB01")
    assert texts(person) == ["Halo"]
    assert await writer.client.silent(0.1)


@pytest.mark.parametrize("as_lid", [False, True])
async def test_several_are_read_at_once(simulator: Simulator, person: Phone, writer: Writer, as_lid: bool) -> None:
    to = person.account.address(0, as_lid=as_lid)
    for number in range(3):
        await writer.send(to, "Halo", f"3EB0{number}")
        await writer.take("receipt")
    assert person.read() == 3
    receipt = await writer.take("receipt")
    assert (receipt.attr("type"), receipt.attrs["from"]) == ("read", to)
    assert ids_of(receipt) == ["3EB00", "3EB01", "3EB02"]
    assert person.read("3EB01") == 1
    assert ids_of(await writer.take("receipt")) == ["3EB01"]


async def test_a_repeat_is_dropped(simulator: Simulator, person: Phone, writer: Writer) -> None:
    stanza = await writer.message(TO, "Halo", "3EB01")
    for _ in range(2):  # the same bytes, as after a connection that dropped before the ack
        await writer.say(stanza)
        assert (await writer.client.receive()).attr("class") == "message"
        await writer.take("receipt")
    await writer.send(TO, "Halo", "3EB01")  # encrypted anew, as after a crash
    await writer.take("receipt")
    assert texts(person) == ["Halo"]
    assert person.inbox.repeats == 2
    assert simulator.mistakes == []


@pytest.mark.parametrize(
    ("to", "code", "noted"),
    [
        (Jid("6280000000"), "404", ""),
        (Jid("123", "g.us"), "404", "something else than a user"),
    ],
)
async def test_it_refuses_messages_to_nobody(
    simulator: Simulator, person: Phone, writer: Writer, to: Jid, code: str, noted: str
) -> None:
    await writer.fetch(TO)
    stanza = await writer.message(TO, "Halo", "3EB01")
    stanza.attrs["to"] = to
    await writer.say(stanza)
    ack = await writer.client.receive()
    assert (ack.attr("error"), ack.attrs["from"]) == (code, to)
    assert noted in "".join(mistake.reason for mistake in simulator.mistakes)
    assert texts(person) == []
    assert simulator.counts().refused_messages == 1


async def test_the_ack_names_the_devices_where_the_client_missed_some(
    simulator: Simulator, phone: Phone, person: Phone, writer: Writer
) -> None:
    simulator.link_directly(PERSON)
    ack = await writer.send(TO, "Halo", "3EB01")
    assert ack.attr("phash") == participants_hash([TO, TO.with_device(1), Jid(phone.number)])
    await writer.take("receipt")
    devices = [TO, TO.with_device(1), Jid(phone.number)]
    ack = await writer.send(TO, "Halo", "3EB02", devices, own=phone.number)
    assert "phash" not in ack.attrs
    (device,) = person.devices
    assert [key[:2] for key in device.pending or ()] == [("message", "3EB02")]


@pytest.mark.parametrize(
    ("wrong", "noted"),
    [
        ("identity", "pkmsg without device-identity"),
        ("registration", "another registration id"),
        ("stranger", "neither the recipient's nor an own one"),
        ("never", "never was in the account"),
        ("itself", "the sending device itself"),
        ("mixed", "not addressed in the way"),
        ("counter", "used before"),
        ("nonsense", "is no pkmsg"),
        ("kind", "an enc of type 'skmsg'"),
        ("empty", "without their jid or enc"),
        ("nothing", "without an enc"),
    ],
)
async def test_mistakes_are_noted(
    simulator: Simulator, phone: Phone, person: Phone, writer: Writer, wrong: str, noted: str
) -> None:
    if wrong == "registration":
        writer.local.registration_id += 1
    if wrong == "counter":
        await writer.fetch(TO)
        before = dict(writer.records)
        await writer.send(TO, "Lain", "3EB00")  # the same text, padded alike, would be the same message
        await writer.take("receipt")
        writer.records = before
    stanza = await writer.message(TO, "Halo", "3EB01", vouched=wrong != "identity")
    (part,) = stanza.children()[0].children()
    (enc,) = part.children()
    match wrong:
        case "stranger":
            simulator.add_phone("6281111111")
            part.attrs["jid"] = Jid("6281111111")
        case "never":
            part.attrs["jid"] = TO.with_device(9)
        case "itself":
            part.attrs["jid"] = Jid(phone.number, device=1)
        case "mixed":
            part.attrs["jid"] = person.account.address(0, as_lid=True)
        case "nonsense":
            enc.content = b"\x33nonsense"
        case "kind":
            enc.attrs["type"] = "skmsg"
        case "empty":
            part.content = None
        case "nothing":
            stanza.content = None
    await writer.say(stanza)
    assert (await writer.client.receive()).attr("class") == "message"
    assert noted in simulator.mistakes[0].reason
    if wrong == "identity":
        await asyncio.sleep(0.05)
        assert (texts(person), person.inbox.ignored) == ([], 1)


async def test_typing_shows_at_the_phone(simulator: Simulator, phone: Phone, person: Phone, writer: Writer) -> None:
    await writer.client.send("chatstate", {"to": TO}, [Node("composing")])
    await writer.client.query("w:p", "get")
    assert person.typing == [(phone.number, "composing")]


async def test_own_devices_get_what_the_phone_sends(
    simulator: Simulator, phone: Phone, person: Phone, writer: Writer
) -> None:
    message_id = await phone.send(PERSON, "Dari telepon")
    message = await writer.client.receive()
    assert (await writer.take("receipt")).attr("id") == message_id
    assert (message.attrs["from"], message.attrs["recipient"]) == (Jid(phone.number), TO)
    assert writer.read(message) == "Dari telepon"
    await asyncio.sleep(0)
    assert texts(person) == ["Dari telepon"]


async def test_nonsense_in_a_message_or_a_retry_does_no_harm(
    simulator: Simulator, phone: Phone, person: Phone, writer: Writer
) -> None:
    await writer.send(TO, "", "3EB00", payload=b"\xff\xff\xff")
    assert (await writer.take("receipt")).attr("id") == "3EB00"
    message_id = await person.send(phone.number, "Halo")
    await writer.take("message")
    parts = [
        Node("retry", {"count": "1", "id": message_id, "v": "1"}),
        Node("registration", {}, b"1234"),
        Node("keys", {}, [Node("type", {}, b"\x05"), Node("identity", {}, bytes(32))]),
    ]
    await writer.client.send("receipt", {"id": message_id, "to": TO, "type": "retry"}, parts)
    assert (await writer.client.receive()).attr("class") == "receipt"
    await writer.send(TO, "Halo", "3EB01")
    assert (await writer.take("receipt")).attr("id") == "3EB01"
    assert texts(person) == ["Halo"]
    assert ["keys that are none" in mistake.reason for mistake in simulator.mistakes] == [True]


async def test_a_phone_gives_up_in_the_end(simulator: Simulator, person: Phone, writer: Writer) -> None:
    person.corrupt = 10
    for _ in range(5):
        await writer.send(TO, "Halo", "3EB00")
        assert (await writer.take("receipt")).attr("type") == "retry"
    await writer.send(TO, "Halo", "3EB00")
    assert await writer.client.silent()
    assert person.inbox.undecryptable == 1
    assert texts(person) == []
