"""The messages of a simulated phone: it decrypts what comes, says what it did with it, and writes itself."""

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

from whatsapp.exceptions import (
    BundleError,
    MediaError,
    NoSessionError,
    OldCounterError,
    SignalError,
    UnknownPreKeyError,
)
from whatsapp.protocol import media
from whatsapp.protocol.jid import SERVER_JID, Jid
from whatsapp.protocol.messages import Text, encode, new_message_id, own_copy, pad, unpad
from whatsapp.protocol.nodes import Attr, Node
from whatsapp.protocol.signal.cipher import PRE_KEY_MESSAGE
from whatsapp.simulator import routing
from whatsapp.simulator.accounts import Account
from whatsapp.simulator.delivery import ids_of
from whatsapp.simulator.exceptions import PhoneError, Trouble
from whatsapp.simulator.handset import Address, Handset
from whatsapp.simulator.inbox import Inbox, InboxMessage, PhoneReceipt, described, file_of, understood
from whatsapp.simulator.key_queries import bundle_of, key_nodes, read_bundle

if TYPE_CHECKING:
    from whatsapp.simulator.server import Simulator

MAX_RETRIES: Final = 5


class Messenger:
    """Behaviours are attributes: change them at any time. The network is that of the phone, see `Phone.network`."""

    def __init__(self, simulator: "Simulator", account: Account) -> None:
        self._simulator = simulator
        self.account = account
        self.reads = False  # reads every message at once, and says so
        self.confirms = True  # sends delivery receipts
        self.delay_s = 0.0  # how late it says anything about messages
        self.lazy = False  # decrypts only when the inbox is looked at; so it never asks for a retry
        self.corrupt = 0  # how many messages to come arrive damaged
        self.waiting: list[Node] = []  # stanzas at the server, while there is no network
        self.handset = Handset(account)
        self.receipts: list[PhoneReceipt] = []  # for what it sent
        self.typing: list[tuple[str, str]] = []  # (number, state): who was typing to it
        self.copies = Inbox()  # what other devices of the account sent
        self.outbox: list[InboxMessage] = []  # what it sent itself
        self.last_at = 0.0  # when it last sent or got a message
        self._inbox = Inbox()
        self._held: list[Node] = []  # not decrypted yet, being lazy
        self._asked: dict[tuple[str, str], int] = {}  # (sender, id) -> retries
        self._sent: dict[str, tuple[Account, bytes]] = {}  # what it may be asked for again

    # --- what its owner sees and does

    @property
    def inbox(self) -> Inbox:
        """The messages that came."""
        held, self._held = self._held, []
        for node in held:
            self._open(node, quiet=True)
        return self._inbox

    async def send(self, to: str, text: str, *, as_lid: bool = False, message_id: str = "") -> str:
        """Write to a number (or to its LID), from the phone. Gives the message's id. Raises PhoneError."""
        self._need_network()
        account = self._simulator.accounts.get(to)
        if account is None:
            raise PhoneError(Trouble.NOT_ON_WHATSAPP, number=to)
        message_id, payload = message_id or new_message_id(), encode(Text(text))
        self._sent[message_id] = account, payload
        self.last_at = time.time()
        self.outbox.append(InboxMessage(message_id, self.account.number, 0, text, self.last_at, chat=to))
        targets = [(account, number) for number in account.device_numbers()]
        targets += [(self.account, number) for number in self.account.devices if self.account is not account]
        for target in targets:
            self._write(target, account, message_id, payload, as_lid=as_lid)
        return message_id

    def read(self, message_id: str | None = None) -> int:
        """Read one message, or all, and say so. Gives how many. Raises PhoneError."""
        self._need_network()
        found: dict[Jid, list[str]] = {}
        for message in self.inbox.messages.values():
            if message_id in (None, message.message_id):
                chat = self._simulator.accounts[message.sender].address(0, as_lid=message.as_lid)
                found.setdefault(chat, []).append(message.message_id)
        for chat, (first, *further) in found.items():
            items = [Node("item", {"id": other}) for other in further]
            self._say(first, chat, "read", [Node("list", {}, items)] if items else None)
        return sum(map(len, found.values()))

    def give_token(self, to: str) -> bytes:
        """Let a number write to this one although they never talked (PROTOCOL.md §22)."""
        return self._simulator.issue_token(self.account, self._simulator.phone(to).account)

    def saw_typing(self, number: str, state: str) -> None:
        self.typing.append((number, state))

    def _need_network(self) -> None:
        if not self.account.network:
            raise PhoneError(Trouble.NO_NETWORK)

    # --- what comes

    def take(self, node: Node) -> None:
        """A stanza for the phone, from the server; read on the loop's next turn, or when there is a network."""
        self.waiting.append(node)
        if self.account.network and len(self.waiting) == 1:
            asyncio.get_running_loop().call_soon(self.catch_up)

    def catch_up(self) -> None:
        """Read what waits at the server, if there is a network."""
        if not self.account.network:
            return
        waiting, self.waiting = self.waiting, []
        for node in waiting:
            if node.tag == "message":
                self._message(node)
            elif node.tag == "receipt":
                self._receipt(node)

    def _message(self, node: Node) -> None:
        self.last_at = time.time()
        if not self.lazy:
            self._open(node)
        else:
            self._held.append(node)
            self._confirm(node)

    def _open(self, node: Node, *, quiet: bool = False) -> None:
        sender, enc = self._sender(node), node.child("enc")
        if sender is None or enc is None:
            return
        account, device = sender
        inbox = self.copies if account is self.account else self._inbox
        kind, data, message_id = enc.attr("type"), enc.data, node.attr("id")
        if kind == PRE_KEY_MESSAGE and device and node.child("device-identity") is None:
            inbox.ignored += 1
            return
        if self.corrupt > 0:
            self.corrupt -= 1
            data = routing.damaged(enc)
        try:
            payload = unpad(self.handset.decrypt(Address(account.number, device), kind, data))
        except OldCounterError:
            inbox.repeats += 1
        except SignalError as error:
            if quiet:
                inbox.undecryptable += 1
            else:
                self._ask_again(node, sender, error)
            return
        else:
            self._keep(inbox, sender, node, payload)
        if not quiet:
            self._confirm(node)
        if self.reads and account is not self.account:
            self._say(message_id, _from(node), "read")

    def _keep(self, inbox: Inbox, sender: routing.Target, node: Node, payload: bytes) -> None:
        account, device = sender
        received = understood(payload)
        if received is None or node.attr("category") == "peer":
            return
        chat = node.attr_jid("recipient") if inbox is self.copies else None
        whom = self._simulator.account_of(chat) if chat is not None else account
        details: dict[str, Any] = {}
        found = file_of(payload)
        if found is not None:
            kind, file = found
            details = {"kind": kind.value, **described(file)}
            body = self._simulator.media.files.get(file.direct_path, b"")
            try:
                hashes = {"file_sha256": file.file_sha256, "file_enc_sha256": file.file_enc_sha256}
                details["media"] = media.decrypt(body, kind, file.media_key, **hashes)
            except MediaError as error:
                details["problem"] = str(error) if body else "no such file was uploaded"
        inbox.add(
            InboxMessage(
                message_id=node.attr("id"),
                sender=account.number,
                device=device,
                text=received.text,
                at=time.time(),
                as_lid=_from(node).is_lid,
                chat=whom.number if whom is not None else "",
                **details,
            )
        )

    def _sender(self, node: Node) -> routing.Target | None:
        jid = node.attr_jid("from")
        account = self._simulator.account_of(jid) if jid is not None else None
        return None if account is None or jid is None else (account, jid.device)

    # --- what it says

    def _confirm(self, node: Node) -> None:
        if not self.confirms:
            return
        if "recipient" in node.attrs:
            kind = "peer_msg" if node.attr("category") == "peer" else "sender"
            self._say(node.attr("id"), _from(node), kind, recipient=node.attrs["recipient"])
        else:
            self._say(node.attr("id"), _from(node), "peer_msg" if node.attr("category") == "peer" else "")

    def _say(self, message_id: str, to: Jid, kind: str, content: list[Node] | None = None, **more: Attr) -> None:
        attrs: dict[str, Attr] = {"id": message_id, "to": to, **more}
        if kind:
            attrs["type"] = kind
        said = self._simulator, (self.account, 0), Node("receipt", attrs, content)
        if self.delay_s:
            asyncio.get_running_loop().call_later(self.delay_s, routing.receipt, *said)
        else:
            routing.receipt(*said)

    def _ask_again(self, node: Node, sender: routing.Target, error: SignalError) -> None:
        """A retry receipt. It has fresh keys where the sender's are of no use."""
        message_id = node.attr("id")
        key = sender[0].number, message_id
        count = self._asked[key] = self._asked.get(key, 0) + 1
        if count > MAX_RETRIES:
            self._inbox.undecryptable += 1
            return
        retry = {"count": str(count), "id": message_id, "t": node.attr("t"), "v": "1", "error": "0"}
        bundle = self.handset.bundle() if count > 1 or isinstance(error, (UnknownPreKeyError, NoSessionError)) else None
        registration_id = self.handset.keys.local.registration_id
        content = [Node("retry", dict(retry)), Node("registration", {}, registration_id.to_bytes(4, "big"))]
        if bundle is not None:
            content.append(Node("keys", {}, key_nodes(bundle)))
        more = {"recipient": node.attrs["recipient"]} if "recipient" in node.attrs else {}
        self._say(message_id, _from(node), "retry", content, **more)

    def _receipt(self, node: Node) -> None:
        sender = self._sender(node)
        if sender is None:
            return
        account, device = sender
        for message_id in ids_of(node):
            self.receipts.append(PhoneReceipt(message_id, account.number, device, node.attr("type")))
        if node.attr("type") == "retry":
            self._send_again(node, sender)

    def _send_again(self, node: Node, target: routing.Target) -> None:
        retry, sent = node.child("retry"), self._sent.get(node.attr("id"))
        count = retry.attr_int("count", 1) if retry is not None else 1
        if sent is None or count > MAX_RETRIES:
            return
        keys, registration = node.child("keys"), node.child("registration")
        address, bundle = Address(target[0].number, target[1]), None
        if keys is not None and registration is not None:
            bundle = read_bundle(keys, registration)
        elif count > 1 or not self.handset.has_session(address):
            bundle = bundle_of(self._simulator, *target)
        if bundle is None and not self.handset.has_session(address):
            return  # the device is gone
        if bundle is not None:
            try:
                self.handset.begin(address, bundle)
            except BundleError as error:
                self._simulator.ledger.mistake(f"a retry receipt with keys that are none: {error}", *address)
                return
        self._write(target, sent[0], node.attr("id"), sent[1], as_lid=_from(node).is_lid, count=count)

    def _write(
        self, target: routing.Target, chat: Account, message_id: str, payload: bytes, *, as_lid: bool, count: int = 0
    ) -> None:
        """One device's part of a message of ours."""
        address, to = Address(target[0].number, target[1]), chat.address(0, as_lid=as_lid)
        if not self.handset.has_session(address):
            bundle = bundle_of(self._simulator, *target)
            assert bundle is not None  # we asked for the devices just now
            self.handset.begin(address, bundle)
        is_own = target[0] is self.account and chat is not self.account
        kind, data = self.handset.encrypt(address, pad(own_copy(payload, to) if is_own else payload))
        enc = Node("enc", {"v": "2", "type": kind, **({"count": str(count)} if count else {})}, data)
        routing.deliver(self._simulator, (self.account, 0), target, to, {"id": message_id, "type": "text"}, [enc])


def _from(node: Node) -> Jid:
    return node.attr_jid("from") or SERVER_JID
