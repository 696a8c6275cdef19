"""Handshake, then nodes, over one stream of bytes."""

import dataclasses

import pytest

from tests.whatsapp.peer import ROOT_KEY, WALL_TIME, Peer, certificate_chain, linked_credentials
from whatsapp.exceptions import CertificateError, FrameError, HandshakeError, NodeError
from whatsapp.protocol import curve
from whatsapp.protocol.channel import Channel
from whatsapp.protocol.frames import frame
from whatsapp.protocol.keys import new_credentials
from whatsapp.protocol.nodes import Node
from whatsapp.protocol.payload import DeviceDescription

NODES = [Node("a", {"id": "1"}), Node("b", {}, [Node("c", {}, b"\x00\xff")])]


def channel(**changes: object) -> Channel:
    credentials = dataclasses.replace(linked_credentials(), **changes)
    return Channel(credentials, DeviceDescription(), root_key=ROOT_KEY, wall_time=WALL_TIME)


def open_channel() -> tuple[Channel, Peer]:
    ours, peer = channel(), Peer()
    assert list(ours.receive(peer.receive(ours.data_to_send()))) == []
    assert ours.is_open
    peer.receive(ours.data_to_send())
    return ours, peer


def test_nodes_pass_both_ways():
    ours, peer = open_channel()
    for node in NODES:
        ours.send(node)
    peer.receive(ours.data_to_send())
    assert peer.taken() == NODES
    assert list(ours.receive(peer.write(*NODES))) == NODES


def test_it_does_not_matter_how_the_stream_is_cut():
    ours, peer = channel(), Peer()
    stream = peer.receive(ours.data_to_send())
    for byte in stream:
        list(ours.receive(bytes((byte,))))
    peer.receive(ours.data_to_send())
    assert [node for byte in peer.write(*NODES) for node in ours.receive(bytes((byte,)))] == NODES


def test_what_is_written_is_given_once():
    ours = channel()
    assert ours.data_to_send()
    assert ours.data_to_send() == b""


def test_the_first_bytes_are_the_intro_with_the_way_back_in_front():
    assert channel().data_to_send().startswith(b"WA\x06\x03")
    assert channel(routing_info=b"abc").data_to_send().startswith(b"ED\x00\x01\x00\x00\x03abcWA\x06\x03")


def test_edge_routing_is_no_part_of_the_handshake():
    ours, peer = channel(routing_info=b"abc"), Peer()
    list(ours.receive(peer.receive(ours.data_to_send())))
    assert ours.is_open


def test_fresh_credentials_register_and_linked_ones_log_in():
    _, peer = open_channel()
    assert peer.payload.username == 6287788987745
    ours, peer = Channel(new_credentials(), DeviceDescription(), root_key=ROOT_KEY, wall_time=WALL_TIME), Peer()
    list(ours.receive(peer.receive(ours.data_to_send())))
    peer.receive(ours.data_to_send())
    assert peer.payload.HasField("device_pairing_data")


def test_nothing_about_us_is_said_to_a_server_with_a_bad_certificate():
    static = curve.new_private()
    chain = certificate_chain(curve.public_of(static), root_private=bytes(32))
    ours, peer = channel(), Peer(static_private=static, chain=chain)
    with pytest.raises(CertificateError):
        list(ours.receive(peer.receive(ours.data_to_send())))
    assert ours.data_to_send() == b""
    assert not ours.is_open


def test_a_node_before_the_handshake_is_over_is_refused():
    with pytest.raises(FrameError):
        channel().send(NODES[0])


def test_a_node_that_cannot_be_written_leaves_the_stream_whole():
    ours, peer = open_channel()
    with pytest.raises(NodeError):
        ours.send(Node(""))
    ours.send(NODES[0])
    peer.receive(ours.data_to_send())
    assert peer.taken() == NODES[:1]


def test_a_frame_of_nonsense_in_place_of_the_hello():
    ours = channel()
    with pytest.raises(HandshakeError):
        list(ours.receive(frame(b"nonsense")))


def test_after_the_handshake_it_holds_no_credentials():
    ours, _ = open_channel()
    assert ours._greeting is None
