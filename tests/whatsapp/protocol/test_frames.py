import sys

import pytest
from hypothesis import given, strategies as st

from whatsapp.exceptions import FrameError
from whatsapp.protocol.frames import INTRO, FrameCutter, frame, intro

payloads = st.lists(st.binary(max_size=400), max_size=8)


@given(payloads, st.lists(st.integers(1, 50), min_size=1))
def test_it_cuts_the_same_frames_from_any_messages(sent: list[bytes], sizes: list[int]) -> None:
    stream = b"".join(map(frame, sent))
    cutter, received, number = FrameCutter(), [], 0
    while stream:
        size = sizes[number % len(sizes)]
        received += cutter.feed(stream[:size])
        stream, number = stream[size:], number + 1
    assert received == sent
    assert cutter.is_empty


@given(payloads)
def test_it_cuts_several_frames_from_one_message(sent: list[bytes]) -> None:
    cutter = FrameCutter()
    assert cutter.feed(b"".join(map(frame, sent))) == sent
    assert cutter.is_empty


@given(st.binary(max_size=200), st.integers(0, 64))
def test_it_never_gives_a_frame_above_the_limit(data: bytes, limit: int) -> None:
    try:
        assert all(len(payload) <= limit for payload in FrameCutter(limit).feed(data))
    except FrameError:
        pass


def test_it_refuses_a_length_above_the_limit_before_the_bytes_come() -> None:
    with pytest.raises(FrameError):
        FrameCutter(limit=10).feed(b"\x00\x00\x0b")
    with pytest.raises(FrameError):
        FrameCutter(limit=10).feed(frame(bytes(11)))
    assert FrameCutter(limit=10).feed(frame(bytes(10))) == [bytes(10)]


def test_it_holds_nothing_between_frames() -> None:
    cutter = FrameCutter()
    cutter.feed(frame(bytes(100_000))[:-1])
    cutter.feed(b"\x00")
    assert cutter.is_empty
    assert sys.getsizeof(cutter) <= 64


def test_it_refuses_to_write_what_no_length_can_say() -> None:
    with pytest.raises(FrameError):
        frame(bytes(1 << 24))
    assert frame(b"ab") == b"\x00\x00\x02ab"


def test_it_puts_edge_routing_in_front_of_the_intro() -> None:
    assert intro() == INTRO == b"WA\x06\x03"
    assert intro(b"xyz") == b"ED\x00\x01\x00\x00\x03xyzWA\x06\x03"
    with pytest.raises(FrameError):
        intro(bytes(1 << 24))
