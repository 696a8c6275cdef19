"""Writes nodes as bytes; `protocol.nodes` is the way in (PROTOCOL.md §5)."""

import re
from typing import TYPE_CHECKING, Final

from whatsapp.exceptions import NodeError
from whatsapp.protocol.jid import DOMAIN_OF_SERVER, INTEROP_SERVER, MESSENGER_SERVER, PN_SERVER, Jid
from whatsapp.protocol.tokens import TOKENS

if TYPE_CHECKING:
    from whatsapp.protocol.nodes import Node

LIST_EMPTY: Final = 0
INTEROP_JID: Final = 245
FB_JID: Final = 246
AD_JID: Final = 247
LIST_8: Final = 248
LIST_16: Final = 249
JID_PAIR: Final = 250
HEX_8: Final = 251
BINARY_8: Final = 252
BINARY_20: Final = 253
BINARY_32: Final = 254
NIBBLE_8: Final = 255

MAX_DEPTH: Final = 32

_NIBBLES: Final = re.compile(r"[0-9.\-]{1,127}", re.ASCII)
_HEX: Final = re.compile(r"[0-9A-F]{1,127}", re.ASCII)
_TO_NIBBLES: Final = str.maketrans("-.", "ab")


def write_node(out: bytearray, node: "Node", depth: int) -> None:
    """Append `node`, which stands `depth` levels deep. Raises NodeError for what cannot be written."""
    if depth > MAX_DEPTH:
        raise NodeError("node too deep")
    if not node.tag:
        raise NodeError("node without a tag")
    content = node.content
    _write_list_start(out, 1 + 2 * len(node.attrs) + (content is not None))
    _write_string(out, node.tag)
    for key, value in node.attrs.items():
        _write_string(out, key)
        if isinstance(value, Jid):
            _write_jid(out, value)
        else:
            _write_string(out, value)
    if content is None:
        return
    if isinstance(content, bytes):
        _write_bytes(out, content)
    elif isinstance(content, str):
        _write_string(out, content)
    else:
        _write_list_start(out, len(content))
        for child in content:
            write_node(out, child, depth + 1)


def _write_list_start(out: bytearray, size: int) -> None:
    if size == 0:
        out.append(LIST_EMPTY)
    elif size < 0x100:
        out += bytes((LIST_8, size))
    elif size < 0x10000:
        out.append(LIST_16)
        out += size.to_bytes(2, "big")
    else:
        raise NodeError("list too long")


def _write_bytes(out: bytearray, data: bytes) -> None:
    size = len(data)
    if size < 0x100:
        out += bytes((BINARY_8, size))
    elif size < 1 << 20:
        out.append(BINARY_20)
        out += size.to_bytes(3, "big")
    else:
        out.append(BINARY_32)
        out += size.to_bytes(4, "big")
    out += data


def _write_string(out: bytearray, text: str) -> None:
    token = TOKENS.get(text)
    if token is not None:
        out += token
    elif _NIBBLES.fullmatch(text):
        _write_packed(out, NIBBLE_8, text.translate(_TO_NIBBLES))
    elif _HEX.fullmatch(text):
        _write_packed(out, HEX_8, text)
    else:
        try:
            _write_bytes(out, text.encode())
        except UnicodeEncodeError:
            raise NodeError("text that is not Unicode") from None


def _write_packed(out: bytearray, tag: int, digits: str) -> None:
    odd = len(digits) & 1
    out += bytes((tag, (len(digits) + odd) >> 1 | odd << 7))
    out += bytes.fromhex(digits + "f" if odd else digits)


def _write_jid(out: bytearray, jid: Jid) -> None:
    domain = (jid.agent if jid.server == PN_SERVER else 0) or DOMAIN_OF_SERVER.get(jid.server)
    if jid.server == INTEROP_SERVER or jid.server == MESSENGER_SERVER:
        interop = jid.server == INTEROP_SERVER
        out.append(INTEROP_JID if interop else FB_JID)
        _write_string(out, jid.user)
        out += _short(jid.device) + (_short(jid.integrator) if interop else b"")
        _write_string(out, jid.server)
    elif domain is not None and (jid.device or jid.agent):
        if not (0 < domain + 1 <= 0x100 and 0 <= jid.device <= 0xFF):
            raise NodeError("address with a device above 255")
        out += bytes((AD_JID, domain, jid.device))
        _write_string(out, jid.user)
    else:
        out.append(JID_PAIR)
        if jid.user:
            _write_string(out, f"{jid.user}:{jid.device}" if jid.device else jid.user)
        else:
            out.append(LIST_EMPTY)
        _write_string(out, jid.server)


def _short(number: int) -> bytes:
    if not 0 <= number <= 0xFFFF:
        raise NodeError("address with a device above 65535")
    return number.to_bytes(2, "big")
