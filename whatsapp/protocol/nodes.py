"""Binary nodes, both ways (PROTOCOL.md §5).

A node is a tag, attributes and a content of nothing, nodes, bytes or text. On the wire text and bytes are not always
told apart: text that is neither a token nor packable arrives as bytes. `Node.data` and `Node.text` read either.
"""

import re
import zlib
from dataclasses import dataclass, field
from typing import Final

from whatsapp.exceptions import NodeError
from whatsapp.protocol.jid import SERVER_OF_DOMAIN, Jid
from whatsapp.protocol.node_writer import (
    AD_JID,
    BINARY_8,
    BINARY_20,
    BINARY_32,
    FB_JID,
    HEX_8,
    INTEROP_JID,
    JID_PAIR,
    LIST_8,
    LIST_16,
    LIST_EMPTY,
    MAX_DEPTH,
    NIBBLE_8,
    write_node,
)
from whatsapp.protocol.tokens import DOUBLE, FIRST_DICTIONARY_TAG, SINGLE

FLAG_COMPRESSED: Final = 2
MAX_INFLATED: Final = 1 << 23  # bytes; far above any honest stanza, far below what a zlib bomb wants
MAX_NODES: Final = 1 << 16  # in one frame

_SINGLE_END: Final = len(SINGLE)
_DICTIONARY_END: Final = FIRST_DICTIONARY_TAG + len(DOUBLE)
_LISTS: Final = frozenset((LIST_EMPTY, LIST_8, LIST_16))
_PACKED: Final = frozenset((HEX_8, NIBBLE_8))
_JIDS: Final = frozenset((JID_PAIR, AD_JID, FB_JID, INTEROP_JID))
_FROM_NIBBLES: Final = str.maketrans("ab", "-.")
_NO_NIBBLE: Final = re.compile(r"[c-f]")

Attr = str | Jid


@dataclass(slots=True)
class Node:
    """One stanza or a part of one. Readers never raise, whatever the peer sent: absent is empty, 0 or None."""

    tag: str
    attrs: dict[str, Attr] = field(default_factory=dict)
    content: "list[Node] | bytes | str | None" = None

    def __repr__(self) -> str:
        """The shape without the contents: keys and texts must not reach a log by way of a repr."""
        shape = {key: str(self.attrs[key]) for key in ("id", "type", "xmlns", "class", "code") if key in self.attrs}
        if isinstance(self.content, list):
            inside = " ".join(node.tag for node in self.content[:8])
        else:
            inside = "" if self.content is None else f"{len(self.content)} long"
        return f"<Node {self.tag} {shape} [{inside}]>"

    def child(self, *path: str) -> "Node | None":
        """The first child of that tag; with several tags, the first child of the first child, and so on."""
        node: Node | None = self
        for tag in path:
            if node is None or not isinstance(node.content, list):
                return None
            node = next((child for child in node.content if child.tag == tag), None)
        return node

    def children(self, tag: str | None = None) -> "list[Node]":
        """All children, or those of that tag."""
        if not isinstance(self.content, list):
            return []
        return self.content if tag is None else [child for child in self.content if child.tag == tag]

    def attr(self, key: str, default: str = "") -> str:
        """The attribute as text, an address in its usual spelling."""
        value = self.attrs.get(key)
        if value is None:
            return default
        return value if type(value) is str else str(value)

    def attr_int(self, key: str, default: int = 0) -> int:
        """The attribute as a number of at most 18 digits, else `default`."""
        value = self.attr(key)
        return int(value) if len(value) <= 18 and value.isascii() and value.isdecimal() else default

    def attr_jid(self, key: str) -> Jid | None:
        """The attribute as an address; None where it is absent or none."""
        value = self.attrs.get(key)
        if value is None or isinstance(value, Jid):
            return value
        try:
            return Jid.parse(value)
        except NodeError:
            return None

    @property
    def data(self) -> bytes:
        """The content as bytes; empty for nodes and nothing."""
        content = self.content
        if isinstance(content, bytes):
            return content
        return content.encode("utf-8", "replace") if isinstance(content, str) else b""

    @property
    def text(self) -> str:
        """The content as text; empty for nodes and nothing."""
        content = self.content
        if isinstance(content, str):
            return content
        return content.decode("utf-8", "replace") if isinstance(content, bytes) else ""


def encode_node(node: Node) -> bytes:
    """The plain frame of `node`: the flag byte 0 and the node. Raises NodeError for what cannot be written."""
    out = bytearray(1)
    write_node(out, node, 0)
    return bytes(out)


def encode_compressed_node(node: Node) -> bytes:
    """The same with a zlib body and flag 2, as servers send long stanzas. Clients never do."""
    return bytes((FLAG_COMPRESSED,)) + zlib.compress(encode_node(node)[1:])


def decode_node(payload: bytes) -> Node:
    """The node in a plain frame, inflated if the flag byte says so.

    Raises NodeError for anything else: cut short, bytes left over, unknown tags, too deep, too many, too large.
    """
    if not payload:
        raise NodeError("empty frame")
    data, start = payload, 1
    if payload[0] & FLAG_COMPRESSED:
        data, start = _inflate(payload), 0
    reader = _Reader(data, start)
    try:
        node = reader.read_node(0)
    except IndexError:
        raise NodeError("node cut short") from None
    if reader.position != len(data):
        raise NodeError(f"{len(data) - reader.position} bytes behind the node")
    return node


def _inflate(payload: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(memoryview(payload)[1:], MAX_INFLATED)
    except zlib.error:
        raise NodeError("frame does not inflate") from None
    if not inflater.eof:
        raise NodeError("frame inflates to too much" if inflater.unconsumed_tail else "compressed frame cut short")
    return data


class _Reader:
    """Reads one node. Every read past the end is an IndexError or a NodeError, never a short answer."""

    __slots__ = ("data", "nodes", "position")

    def __init__(self, data: bytes, position: int) -> None:
        self.data = data
        self.position = position  # of the next byte
        self.nodes = 0  # read so far

    def byte(self) -> int:
        value = self.data[self.position]
        self.position += 1
        return value

    def take(self, count: int) -> bytes:
        end = self.position + count
        if end > len(self.data):
            raise NodeError("node cut short")
        taken = self.data[self.position : end]
        self.position = end
        return taken

    def short(self) -> int:
        return self.byte() << 8 | self.byte()

    def list_size(self, tag: int) -> int:
        if tag == LIST_8:
            return self.byte()
        if tag == LIST_16:
            return self.short()
        if tag == LIST_EMPTY:
            return 0
        raise NodeError(f"tag {tag} where a list must begin")

    def read_node(self, depth: int) -> Node:
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise NodeError("node too deep" if depth > MAX_DEPTH else "too many nodes")
        size = self.list_size(self.byte())
        if not size:
            raise NodeError("node without a tag")
        tag = self.string()
        if not tag:
            raise NodeError("node without a tag")
        attrs: dict[str, Attr] = {}
        for _ in range((size - 1) >> 1):
            key = self.string()
            attrs[key] = self.value(self.byte())
        return Node(tag, attrs, None if size & 1 else self.read_content(depth))

    def read_content(self, depth: int) -> "list[Node] | bytes | str":
        tag = self.byte()
        if tag in _LISTS:
            return [self.read_node(depth + 1) for _ in range(self.list_size(tag))]
        if BINARY_8 <= tag <= BINARY_32:
            return self.binary(tag)
        value = self.value(tag)
        return value if type(value) is str else str(value)

    def string(self) -> str:
        value = self.value(self.byte())
        return value if type(value) is str else str(value)

    def value(self, tag: int) -> Attr:
        """The text or address that begins with `tag`."""
        if 0 < tag < _SINGLE_END:
            return SINGLE[tag]
        if BINARY_8 <= tag <= BINARY_32:
            return self.binary(tag).decode("utf-8", "replace")
        if tag == JID_PAIR:
            return self.jid_pair()
        if tag == AD_JID:
            domain, device = self.byte(), self.byte()
            user = self.plain_string()
            server = SERVER_OF_DOMAIN.get(domain)
            return Jid(user, SERVER_OF_DOMAIN[0], device, domain) if server is None else Jid(user, server, device)
        if tag in _PACKED:
            return self.packed(tag)
        if FIRST_DICTIONARY_TAG <= tag < _DICTIONARY_END:
            return DOUBLE[tag - FIRST_DICTIONARY_TAG][self.byte()]
        if tag == LIST_EMPTY:
            return ""
        if tag == FB_JID:
            user, device = self.plain_string(), self.short()
            return Jid(user, self.plain_string(), device)
        if tag == INTEROP_JID:
            user, device, integrator = self.plain_string(), self.short(), self.short()
            return Jid(user, self.plain_string(), device, integrator=integrator)
        raise NodeError(f"unknown tag {tag}")

    def plain_string(self) -> str:
        """A string that is a part of an address, and so no address itself: nothing nests here."""
        tag = self.byte()
        if tag in _JIDS:
            raise NodeError("address within an address")
        value = self.value(tag)
        return value if type(value) is str else str(value)

    def jid_pair(self) -> Jid:
        user, server = self.plain_string(), self.plain_string()
        if ":" in user:  # the device spelt out, as some write it for servers without a domain byte
            name, _, device = user.rpartition(":")
            if name and device.isascii() and device.isdecimal() and len(device) <= 5 and int(device) <= 0xFFFF:
                return Jid(name, server, int(device))
        return Jid(user, server)

    def binary(self, tag: int) -> bytes:
        if tag == BINARY_8:
            size = self.byte()
        elif tag == BINARY_20:
            size = (self.byte() & 0x0F) << 16 | self.short()
        else:
            size = self.short() << 16 | self.short()
        return self.take(size)

    def packed(self, tag: int) -> str:
        head = self.byte()
        digits = self.take(head & 0x7F).hex()
        if head & 0x80:
            digits = digits[:-1]
        if tag == HEX_8:
            return digits.upper()
        if _NO_NIBBLE.search(digits):
            raise NodeError("packed digits that are none")
        return digits.translate(_FROM_NIBBLES)
