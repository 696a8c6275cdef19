import pytest
from hypothesis import given, strategies as st

from whatsapp.exceptions import NodeError
from whatsapp.protocol.jid import SERVER_JID, Jid

SPELLINGS = {
    "6287788987745@s.whatsapp.net": Jid("6287788987745"),
    "6287788987745:7@s.whatsapp.net": Jid("6287788987745", device=7),
    "123:65535@lid": Jid("123", "lid", 65535),
    "123_128:7@s.whatsapp.net": Jid("123", device=7, agent=128),
    "1234-567@g.us": Jid("1234-567", "g.us"),
    "some_name@newsletter": Jid("some_name", "newsletter"),
    "@s.whatsapp.net": SERVER_JID,
}


@pytest.mark.parametrize(("text", "jid"), SPELLINGS.items())
def test_it_reads_and_writes_the_usual_spelling(text: str, jid: Jid) -> None:
    assert Jid.parse(text) == jid
    assert str(jid) == text


def test_it_reads_a_bare_server() -> None:
    assert Jid.parse("s.whatsapp.net") == SERVER_JID


@pytest.mark.parametrize(
    "text", ["", "x@", "1:x@lid", "1:65536@lid", "1:²@lid", "1:999999999@lid", "1_256@lid", "9" * 300 + "@lid"]
)
def test_it_refuses_what_is_no_address(text: str) -> None:
    with pytest.raises(NodeError):
        Jid.parse(text)


def test_it_tells_the_account_from_the_device() -> None:
    device = Jid("123", "lid", 7)
    assert device.bare == Jid("123", "lid")
    assert device.is_lid
    assert device.bare.with_device(7) == device
    assert not Jid("123").is_lid


@given(st.text(max_size=300))
def test_it_answers_any_text_with_an_address_or_a_node_error(text: str) -> None:
    try:
        jid = Jid.parse(text)
    except NodeError:
        return
    assert Jid.parse(str(jid)) == jid
