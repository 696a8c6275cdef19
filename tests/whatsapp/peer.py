"""The other side of a `Connection` in a test: a server without a socket, and the phone behind it."""

import dataclasses
from collections.abc import Iterable

from whatsapp.credentials import Credentials, PreKey
from whatsapp.protocol import adv, curve
from whatsapp.protocol.certificate import CertificateDetails, encode_chain
from whatsapp.protocol.frames import INTRO, FrameCutter, frame
from whatsapp.protocol.jid import SERVER_JID
from whatsapp.protocol.keys import new_credentials, new_pre_keys
from whatsapp.protocol.nodes import Node, decode_node, encode_node
from whatsapp.protocol.noise import Responder
from whatsapp.protocol.protobufs.adv_pb2 import (
    ADVDeviceIdentity,
    ADVSignedDeviceIdentity,
    ADVSignedDeviceIdentityHMAC,
)
from whatsapp.protocol.protobufs.handshake_pb2 import ClientPayload
from whatsapp.store import SentMessage, StateChanges, TrustedToken

ROOT_PRIVATE = bytes(range(1, 33))
ROOT_KEY = curve.public_of(ROOT_PRIVATE)
WALL_TIME = 1_780_000_000.0
JID = "6287788987745:7@s.whatsapp.net"
LID = "123456789012345:7@lid"


def linked_credentials() -> Credentials:
    return dataclasses.replace(new_credentials(), jid=JID, lid=LID)


def certificate_chain(server_static: bytes, **changes: object) -> bytes:
    """A chain that is good unless `changes` (`leaf_…`, `intermediate_…`, or a private key) spoil it."""
    intermediate_private = bytes(range(2, 34))
    parts: dict[str, object] = {
        "leaf_serial": 2,
        "leaf_issuer_serial": 1,
        "leaf_key": server_static,
        "intermediate_serial": 1,
        "intermediate_issuer_serial": 0,
        "intermediate_key": curve.public_of(intermediate_private),
        "root_private": ROOT_PRIVATE,
        "intermediate_private": intermediate_private,
    }
    for name in ("leaf", "intermediate"):
        parts[f"{name}_not_before"] = int(WALL_TIME) - 1000
        parts[f"{name}_not_after"] = int(WALL_TIME) + 1000
    parts.update(changes)

    def details(name: str) -> CertificateDetails:
        return CertificateDetails(
            **{field.name: parts[f"{name}_{field.name}"] for field in dataclasses.fields(CertificateDetails)}
        )

    return encode_chain(
        intermediate=details("intermediate"),
        root_private=parts["root_private"],
        leaf=details("leaf"),
        intermediate_private=parts["intermediate_private"],
    )


class Peer:
    """A server without a socket."""

    def __init__(self, *, static_private: bytes | None = None, chain: bytes | None = None) -> None:
        self.static_private = static_private or curve.new_private()
        self.chain = chain if chain is not None else certificate_chain(curve.public_of(self.static_private))
        self.responder = Responder(self.static_private)
        self.transport = None
        self.cutter = FrameCutter()
        self.intro = b""
        self.payload: ClientPayload | None = None
        self.nodes: list[Node] = []

    def receive(self, data: bytes) -> bytes:
        """Take what the client wrote, give what the handshake answers."""
        if not self.intro:
            end = data.index(INTRO) + len(INTRO)
            self.intro, data = data[:end], data[end:]
        answer = b""
        for payload in self.cutter.feed(data):
            if self.transport is not None:
                self.nodes.append(decode_node(self.transport.open(payload)))
            elif not self.responder.client_static and not answer and self.payload is None and not self._greeted:
                self.responder.read_hello(payload)
                answer = frame(self.responder.hello(self.chain))
                self._greeted = True
            else:
                self.payload = ClientPayload.FromString(self.responder.read_finish(payload))
                self.transport = self.responder.transport()
        return answer

    _greeted = False

    def write(self, *nodes: Node) -> bytes:
        return b"".join(frame(self.transport.seal(encode_node(node))) for node in nodes)

    def taken(self) -> list[Node]:
        """The nodes that came since the last call."""
        nodes, self.nodes = self.nodes, []
        return nodes


def success(**attrs: str) -> Node:
    return Node("success", {"t": str(int(WALL_TIME)), "lid": LID, "display_name": "Toko", **attrs})


def result(query: Node, *content: Node) -> Node:
    return Node("iq", {"from": SERVER_JID, "type": "result", "id": query.attr("id")}, list(content) or None)


def pair_device(refs: Iterable[str], request_id: str = "1") -> Node:
    parts = [Node("ref", {}, ref.encode()) for ref in refs]
    attrs = {"from": SERVER_JID, "type": "set", "id": request_id, "xmlns": "md"}
    return Node("iq", attrs, [Node("pair-device", {}, parts)])


@dataclasses.dataclass
class Phone:
    """Makes pair-success for a device; each field spoils one thing."""

    account_private: bytes = dataclasses.field(default_factory=curve.new_private)
    key_index: int = 3
    adv_secret: bytes | None = None
    identity: bytes | None = None
    signature: bytes | None = None
    account_key: bytes | None = None
    hosted: bool = False
    jid: str = JID
    lid: str = LID

    def pair_success(self, adv_secret: bytes, identity: bytes) -> Node:
        details = ADVDeviceIdentity(raw_id=5, timestamp=6, key_index=self.key_index)
        if self.hosted:
            details.device_type = 1
        raw = details.SerializeToString()
        signature = adv.sign_account(self.account_private, raw, self.identity or identity, hosted=self.hosted)
        signed = ADVSignedDeviceIdentity(
            details=raw,
            account_signature_key=curve.public_of(self.account_private)
            if self.account_key is None
            else self.account_key,
            account_signature=signature if self.signature is None else self.signature,
        ).SerializeToString()
        wrapped = ADVSignedDeviceIdentityHMAC(
            details=signed, hmac=adv.wrap_hmac(self.adv_secret or adv_secret, signed, hosted=self.hosted)
        )
        if self.hosted:
            wrapped.account_type = 1
        parts = [
            Node("device-identity", {}, wrapped.SerializeToString()),
            Node("platform", {"name": "android"}),
            Node("device", {"jid": self.jid, "lid": self.lid}),
            Node("biz", {"name": "Toko Jaya"}),
        ]
        attrs = {"from": SERVER_JID, "type": "set", "id": "9"}
        return Node("iq", attrs, [Node("pair-success", {}, parts)])


class MemoryStore:
    """A store that forgets with the process. Methods named in `failing` raise; `saved` is what was saved, in order."""

    def __init__(self, credentials: Credentials | None = None) -> None:
        self.credentials = credentials
        self.saved: list[Credentials] = []
        self.pre_keys: dict[int, PreKey] = {}
        self.uploaded: set[int] = set()
        self.next_pre_key_id = 1
        self.failing: set[str] = set()
        self.sessions: dict[str, bytes] = {}
        self.lids: dict[str, str] = {}
        self.tokens: dict[str, TrustedToken] = {}
        self.sent: dict[str, SentMessage] = {}
        self.commits: list[StateChanges] = []

    def _check(self, method: str) -> None:
        if method in self.failing:
            raise RuntimeError(f"no disk for {method}")

    async def load_credentials(self) -> Credentials | None:
        self._check("load_credentials")
        return self.credentials

    async def save_credentials(self, credentials: Credentials) -> None:
        self._check("save_credentials")
        self.credentials = credentials
        self.saved.append(credentials)

    async def wipe(self) -> None:
        self.credentials = None
        self.pre_keys.clear()
        self.uploaded.clear()

    async def take_pre_keys(self, count: int) -> list[PreKey]:
        self._check("take_pre_keys")
        missing = count - len(self.pre_keys.keys() - self.uploaded)
        if missing > 0:
            for key in new_pre_keys(self.next_pre_key_id, missing):
                self.pre_keys[key.key_id] = key
            self.next_pre_key_id += missing
        return [self.pre_keys[key_id] for key_id in sorted(self.pre_keys.keys() - self.uploaded)][:count]

    async def mark_pre_keys_uploaded(self, pre_keys: Iterable[PreKey]) -> None:
        self._check("mark_pre_keys_uploaded")
        self.uploaded.update(key.key_id for key in pre_keys)

    async def pre_key(self, key_id: int) -> PreKey | None:
        return self.pre_keys.get(key_id)

    async def remove_pre_key(self, key_id: int) -> None:
        self.pre_keys.pop(key_id, None)

    async def load_sessions(self, addresses: Iterable[str]) -> dict[str, bytes]:
        self._check("load_sessions")
        return {address: self.sessions[address] for address in addresses if address in self.sessions}

    async def commit(self, changes: StateChanges) -> None:
        self._check("commit")
        self.commits.append(changes)
        for address, record in changes.sessions.items():
            if record is None:
                self.sessions.pop(address, None)
            else:
                self.sessions[address] = record
        if changes.used_pre_key is not None:
            self.pre_keys.pop(changes.used_pre_key, None)
        self.lids.update(changes.lids)
        self.tokens.update(changes.tokens)
        if changes.sent is not None:
            self.sent[changes.sent.message_id] = changes.sent

    async def lids_of(self, numbers: Iterable[str]) -> dict[str, str]:
        return {number: self.lids[number] for number in numbers if number in self.lids}

    async def number_of_lid(self, lid: str) -> str | None:
        return next((number for number, its in self.lids.items() if its == lid), None)

    async def token_of(self, lid: str) -> TrustedToken | None:
        self._check("token_of")
        return self.tokens.get(lid)

    async def tokens_of(self, lids: Iterable[str]) -> dict[str, TrustedToken]:
        return {lid: self.tokens[lid] for lid in lids if lid in self.tokens}

    async def sent_message(self, message_id: str) -> SentMessage | None:
        self._check("sent_message")
        return self.sent.get(message_id)
