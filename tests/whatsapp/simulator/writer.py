"""A raw client that can encrypt and decrypt, and otherwise does only what it is told."""

from collections.abc import Sequence

from tests.whatsapp.simulator.raw_client import RawClient
from whatsapp.credentials import Credentials, PreKey
from whatsapp.protocol.jid import Jid
from whatsapp.protocol.keys import new_pre_keys
from whatsapp.protocol.messages import Text, encode, own_copy, pad, read, unpad
from whatsapp.protocol.nodes import Attr, Node
from whatsapp.protocol.signal import cipher, x3dh
from whatsapp.protocol.signal.records import Record
from whatsapp.protocol.signal.x3dh import LocalKeys
from whatsapp.protocol.stanzas import pre_key_upload
from whatsapp.simulator import Simulator
from whatsapp.simulator.key_queries import read_bundle


class Writer:
    def __init__(self, client: RawClient) -> None:
        self.client = client
        self.local = LocalKeys.of(client.credentials)
        self.records: dict[Jid, Record] = {}
        self.pre_keys: dict[int, PreKey] = {}

    @classmethod
    async def log_in(cls, simulator: Simulator, credentials: Credentials, *, pre_keys: int = 0) -> "Writer":
        writer = cls(await RawClient.log_in(simulator, credentials))
        if pre_keys:
            await writer.upload(1, pre_keys)
        return writer

    async def upload(self, first: int, count: int) -> None:
        keys = new_pre_keys(first, count)
        await self.client.query("encrypt", "set", *pre_key_upload(self.client.credentials, keys).children())
        self.pre_keys.update({key.key_id: key for key in keys})

    async def fetch(self, *jids: Jid) -> None:
        """Begin a session with each."""
        wanted = Node("key", {}, [Node("user", {"jid": jid}) for jid in jids])
        answer = (await self.client.query("encrypt", "get", wanted)).child("list")
        assert answer is not None
        for jid, user in zip(jids, answer.children(), strict=True):
            registration = user.child("registration")
            assert registration is not None, user
            bundle = read_bundle(user, registration)
            bundle.verify(is_companion=bool(jid.device))
            self.records[jid] = x3dh.initiate(self.records.get(jid), bundle, self.local)

    def enc(self, jid: Jid, payload: bytes, **attrs: Attr) -> Node:
        encrypted = cipher.encrypt(self.records[jid], pad(payload), self.local)
        self.records[jid] = encrypted.record
        return Node("enc", {"v": "2", "type": encrypted.kind, **attrs}, encrypted.data)

    async def message(
        self,
        to: Jid,
        text: str,
        message_id: str,
        devices: Sequence[Jid] = (),
        *,
        vouched: bool = True,
        payload: bytes = b"",
        extra: Sequence[Node] = (),
        own: str = "",
    ) -> Node:
        """The stanza of a text to some devices (the phone alone if none are given); `own`: the own account's user."""
        payload = payload or encode(Text(text))
        devices = devices or [to]
        missing = [jid for jid in devices if jid not in self.records]
        if missing:
            await self.fetch(*missing)
        parts = [
            Node("to", {"jid": jid}, [self.enc(jid, own_copy(payload, to) if jid.user == own else payload)])
            for jid in devices
        ]
        identity = Node("device-identity", {}, self.client.credentials.signed_device_identity)
        content = [Node("participants", {}, parts), *([identity] if vouched else []), *extra]
        return Node("message", {"to": to, "id": message_id, "type": "text"}, content)

    async def say(self, node: Node) -> None:
        await self.client.send(node.tag, dict(node.attrs), node.content)

    async def send(self, to: Jid, text: str, message_id: str, devices: Sequence[Jid] = (), **options: object) -> Node:
        """Write it; gives the ack."""
        await self.say(await self.message(to, text, message_id, devices, **options))  # type: ignore[arg-type]
        ack = await self.client.receive()
        assert (ack.tag, ack.attr("class"), ack.attr("id"), ack.attrs["from"]) == ("ack", "message", message_id, to)
        return ack

    def read(self, node: Node) -> str | None:
        """The text of a message that came."""
        sender, enc = node.attr_jid("from"), node.child("enc")
        assert sender is not None
        assert enc is not None
        record, pre_key = self.records.get(sender), None
        if enc.attr("type") == "pkmsg":
            pre_key = self.pre_keys.get(cipher.wanted_pre_key(record, enc.data) or 0)
        decrypted = cipher.decrypt(record, enc.attr("type"), enc.data, self.local, pre_key)
        self.records[sender] = decrypted.record
        return read(unpad(decrypted.plaintext)).text

    async def take(self, tag: str) -> Node:
        """The next stanza, which is of that tag, and acknowledged."""
        node = await self.client.receive()
        assert node.tag == tag, node
        if tag == "message":
            await self.client.send("receipt", {"id": node.attr("id"), "to": node.attrs["from"]})
            assert (await self.client.receive()).attr("class") == "receipt"
        else:
            kind = {"type": node.attrs["type"]} if "type" in node.attrs else {}
            await self.client.send("ack", {"class": tag, "id": node.attr("id"), "to": node.attrs["from"], **kind})
        return node
