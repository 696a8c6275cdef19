"""Whatever a client says, the server answers or hangs up; nothing of its own breaks."""

import asyncio
from typing import Any

from hypothesis import given, settings, strategies as st

from whatsapp.protocol.frames import INTRO, FrameCutter, frame
from whatsapp.protocol.jid import SERVER_JID, Jid
from whatsapp.protocol.keys import new_credentials
from whatsapp.protocol.nodes import Node, encode_node
from whatsapp.protocol.noise import Initiator, TransportState
from whatsapp.protocol.payload import DeviceDescription, login_payload, registration_payload
from whatsapp.simulator import Simulator
from whatsapp.simulator.delivery import KEPT
from whatsapp.simulator.queries import _HANDLERS
from whatsapp.simulator.session import Session

SPACES = sorted({namespace for namespace, _, _ in _HANDLERS})
TAGS = sorted(
    {child for _, _, child in _HANDLERS}
    | {
        "iq",
        "ack",
        "key",
        "list",
        "user",
        "query",
        "usync",
        "skey",
        "id",
        "value",
        "signature",
        "identity",
        "type",
        "x",
    }
    | {"pair-device-sign", "device-identity", "error", "contact", "devices", "lid", "companion_platform_display"}
)
texts = st.sampled_from(["", "1", "get", "set", "result", "error", "companion_hello", "companion_finish", "x"])
jids = st.sampled_from(
    [SERVER_JID, Jid("6287788987745"), Jid("6287788987745", device=1), Jid("1", "lid"), Jid("", "x")]
)
attrs = st.dictionaries(
    st.sampled_from(["id", "type", "to", "jid", "stage", "class", "sid", "reason", "key-index", "participant"]),
    texts | jids | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    max_size=4,
)
leaves = st.builds(Node, st.sampled_from(TAGS), attrs, st.none() | st.binary(max_size=80) | texts)
trees = st.recursive(
    leaves, lambda inner: st.builds(Node, st.sampled_from(TAGS), attrs, st.lists(inner, max_size=4)), max_leaves=8
)
queries = st.builds(
    lambda space, kind, child, query_id: Node(
        "iq", {"to": SERVER_JID, "xmlns": space, "type": kind, "id": query_id}, [child] if child else None
    ),
    st.sampled_from(SPACES),
    st.sampled_from(["get", "set"]),
    st.none() | trees,
    texts,
)
people = st.sampled_from(
    [
        Jid("6281234567890"),
        Jid("6281234567890", device=1),
        Jid("6287788987745"),
        Jid("6287788987745", device=1),
        Jid("6280000000"),
    ]
)
details = st.dictionaries(st.sampled_from(["v", "type", "count", "id", "t"]), texts | st.sampled_from(["2", "msg"]))
encs = st.builds(Node, st.just("enc"), details, st.binary(max_size=150))
parts = st.builds(lambda jid, enc: Node("to", {"jid": jid}, [enc]), people, encs)
inside = st.lists(
    encs
    | st.builds(lambda each: Node("participants", {}, each), st.lists(parts, max_size=4))
    | st.builds(Node, st.sampled_from(["retry", "registration", "keys", "tctoken", "list", "composing"]), details)
    | trees,
    max_size=3,
)
messages = st.builds(
    lambda tag, to, attrs, content: Node(tag, {"id": "3EB0", **attrs, "to": to}, content),
    st.sampled_from(["message", "receipt", "chatstate"]),
    people,
    attrs | st.just({"type": "retry"}),
    inside,
)
stanzas = (
    queries
    | messages
    | st.builds(
        Node,
        st.sampled_from(["iq", "presence", "call", "ib", *sorted(KEPT), "ack"]),
        attrs,
        st.lists(trees, max_size=2),
    )
)


class DeadWire:
    """A line that leads nowhere and remembers what was said."""

    def __init__(self) -> None:
        self.number: str | None = None
        self.silenced_by = None
        self.counted = False
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def reset(self) -> None: ...

    async def close(self, code: int) -> None: ...


def connected(simulator: Simulator, *, linked: bool) -> tuple[Session, TransportState]:
    """A session after its handshake, and the client's end of the encryption."""
    credentials = simulator.link_directly("6287788987745") if linked else new_credentials()
    payload = (login_payload if linked else registration_payload)(credentials, DeviceDescription())
    wire: Any = DeadWire()
    session, initiator = Session(simulator, wire), Initiator(credentials.noise_private)
    session.receive(INTRO + frame(initiator.hello()))
    initiator.read_hello(FrameCutter().feed(wire.written[0])[0])
    session.receive(frame(initiator.finish(payload)))
    return session, initiator.transport()


def hear(said: list[Node], *, linked: bool) -> None:
    async def run() -> None:
        broken: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: broken.append(context))
        simulator = Simulator()
        person = simulator.add_phone("6281234567890")
        simulator.link_directly(person.number)
        if linked:
            simulator.add_phone("6287788987745")
            await person.send("6287788987745", "Halo", message_id="3EB0")
        session, transport = connected(simulator, linked=linked)
        for node in said:
            session.receive(frame(transport.seal(encode_node(node))))
        session.lost()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert broken == []

    asyncio.run(run())


@settings(max_examples=25)  # each is a handshake, and says much
@given(st.lists(stanzas, max_size=20))
def test_a_linked_client_may_say_anything(said: list[Node]) -> None:
    hear(said, linked=True)


@settings(max_examples=25)  # each is a handshake, and says much
@given(st.lists(stanzas, max_size=20))
def test_an_unknown_client_may_say_anything(said: list[Node]) -> None:
    hear(said, linked=False)


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_a_stranger_may_send_any_bytes(messages: list[bytes]) -> None:
    for start in (b"", INTRO):
        wire: Any = DeadWire()
        session = Session(Simulator(), wire)
        for message in (start, *messages):
            session.receive(message)
