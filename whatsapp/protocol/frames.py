"""Frames: 3 bytes of length, big-endian, then that many bytes; and the intro in front of the first (PROTOCOL.md §1)."""

from typing import Final

from whatsapp.exceptions import FrameError

LENGTH_BYTES: Final = 3
MAX_FRAME: Final = (1 << 24) - 1
INTRO: Final = b"WA\x06\x03"  # "WA", magic 6, dictionary version 3; also the prologue of the Noise handshake


def intro(routing_info: bytes = b"") -> bytes:
    """What a client sends once, directly in front of its first frame and in the same WebSocket message.

    `routing_info` is what the server handed out in `<edge_routing>`, or empty. Raises FrameError if it cannot be sent.
    """
    if not routing_info:
        return INTRO
    if len(routing_info) > MAX_FRAME:
        raise FrameError("routing info too long")
    return b"ED\x00\x01" + len(routing_info).to_bytes(LENGTH_BYTES, "big") + routing_info + INTRO


def frame(payload: bytes) -> bytes:
    """`payload` with its length in front. Raises FrameError above 2^24-1 bytes."""
    if len(payload) > MAX_FRAME:
        raise FrameError("frame too long")
    return len(payload).to_bytes(LENGTH_BYTES, "big") + payload


class FrameCutter:
    """Cuts a stream into frames: one message may hold several frames, or a part of one.

    Between frames it holds nothing. `limit` is the longest frame accepted, in bytes.
    """

    __slots__ = ("_limit", "_pending")

    def __init__(self, limit: int = MAX_FRAME) -> None:
        self._limit = limit
        self._pending: bytearray | None = None  # the beginning of a frame whose rest is still to come

    @property
    def is_empty(self) -> bool:
        """No part of a frame is waiting for its rest."""
        return self._pending is None

    def feed(self, data: bytes) -> list[bytes]:
        """Take what arrived, give the payloads that are now complete, in order.

        Raises FrameError for a length above the limit; the stream is then lost and the cutter of no further use.
        """
        pending = self._pending
        if pending is None:
            # Nearly always a message is exactly one frame: no copy but the payload's own.
            size = len(data) - LENGTH_BYTES
            if size >= 0 and int.from_bytes(data[:LENGTH_BYTES], "big") == size <= self._limit:
                return [data[LENGTH_BYTES:]]
            pending = bytearray(data)
        else:
            pending += data
        frames: list[bytes] = []
        start, size = 0, len(pending)
        while size - start >= LENGTH_BYTES:
            length = int.from_bytes(pending[start : start + LENGTH_BYTES], "big")
            if length > self._limit:
                self._pending = None
                raise FrameError(f"frame of {length} bytes, at most {self._limit} are accepted")
            end = start + LENGTH_BYTES + length
            if end > size:
                break
            frames.append(bytes(pending[start + LENGTH_BYTES : end]))
            start = end
        if start == size:
            self._pending = None
        else:
            del pending[:start]
            self._pending = pending
        return frames
