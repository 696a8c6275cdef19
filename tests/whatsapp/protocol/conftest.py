"""Connections that have come so far."""

import pytest

from tests.whatsapp.peer import pair_device, success
from tests.whatsapp.protocol.line import REFS, Line
from whatsapp.protocol.keys import new_credentials


@pytest.fixture
def line():
    """Logged in."""
    found = Line().shake()
    found.arrives(success())
    return found


@pytest.fixture
def pairing():
    """Showing its first ref."""
    found = Line(new_credentials()).shake()
    found.signals = found.arrives(pair_device(REFS, request_id="77"))
    return found
