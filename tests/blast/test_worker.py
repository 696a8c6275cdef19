"""Blasts over real sockets to simulated phones: everybody gets one message, whatever people do meanwhile."""

import pytest

from blast import services
from blast.models import Pace, default_fields
from tests.blast.house import open_blast_house, phone

pytestmark = pytest.mark.django_db(transaction=True)


async def test_it_sends_to_everybody_once_and_says_so():
    async with open_blast_house() as house:
        outlets = [house.cast.jakarta, house.cast.bandung]
        await house.house.linked_directly(*outlets)
        blast = await house.started(outlets, 40)
        await house.becomes(blast, "DONE")
        assert house.shown(40) == [[f"Halo Orang {n}!"] for n in range(1, 41)]
        assert sum((await house.counts(blast)).values()) == 40
        assert set(await house.counts(blast)) <= {"SENT", "DELIVERED"}
        assert await house.acts(blast) == ["created", "started", "done"]
