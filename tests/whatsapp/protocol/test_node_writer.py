import pytest

from whatsapp.exceptions import NodeError
from whatsapp.protocol.node_writer import MAX_DEPTH, write_node
from whatsapp.protocol.nodes import Node


def test_it_appends_a_node_to_what_stands() -> None:
    out = bytearray(b"x")
    write_node(out, Node("iq"), MAX_DEPTH)
    assert out == b"x\xf8\x01\x19"


def test_it_refuses_one_level_more() -> None:
    with pytest.raises(NodeError):
        write_node(bytearray(), Node("iq"), MAX_DEPTH + 1)
