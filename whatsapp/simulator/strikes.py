"""Carries out, on one connection, what a fault orders."""

import functools
import secrets
import zlib
from typing import TYPE_CHECKING

from whatsapp.protocol.node_writer import LIST_8
from whatsapp.simulator.faults import Fault, Kind

if TYPE_CHECKING:
    from whatsapp.simulator.session import Session

_BOMB_BYTES = 1 << 26  # inflated; 300 KiB on the wire


def strike(session: "Session", fault: Fault) -> None:
    """Let one connection suffer; kinds that have no effect on an open connection have none."""
    match fault.kind:
        case Kind.DROP:
            session.wire.reset()
        case Kind.CLOSE:
            session.close(fault.code or 1000)
        case Kind.STREAM_ERROR:
            session.stream_error(fault.code, fault.conflict)
        case Kind.STREAM_END:
            session.stream_end()
        case Kind.BLACK_HOLE:
            session.wire.fall_silent(fault)
        case Kind.GARBAGE:
            _garbage(session, fault.which)
        case Kind.FAILURE:
            attrs = {"code": fault.ban_code, "expire": fault.expire_s}
            session.fail(fault.code or 503, **{key: str(value) for key, value in attrs.items() if value is not None})
        case _:
            pass


def _garbage(session: "Session", which: str) -> None:
    match which:
        case "node":
            session.send_plain(b"\x00" + secrets.token_bytes(40).replace(b"\x00", b"\xf4") + b"\xf4")
        case "deep":
            session.send_plain(b"\x00" + bytes((LIST_8, 2, 25, LIST_8, 1)) * 20_000)
        case "bomb":
            session.send_plain(b"\x02" + _bomb())
        case "text":
            session.wire.write("\0\0\x08nonsense")
        case "cut":
            session.wire.write(b"\x00\x10\x00" + secrets.token_bytes(100))
            session.close()
        case _:
            body = secrets.token_bytes(60)
            session.wire.write(len(body).to_bytes(3, "big") + body)


@functools.cache
def _bomb() -> bytes:
    deflater = zlib.compressobj(1)
    chunk = bytes(1 << 20)
    return b"".join(deflater.compress(chunk) for _ in range(_BOMB_BYTES >> 20)) + deflater.flush()
