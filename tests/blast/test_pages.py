"""What the pages of blasts share."""

import pytest

from blast import pages
from blast.pace_services import pace_update

pytestmark = pytest.mark.django_db

CAUTIOUS = "Paling banyak 5 pesan per menit. Paling banyak 200 per hari. Diam dari pukul 20:00 sampai 08:00."


def test_the_pace_is_that_of_the_outlets(cast):
    outlets = [cast.bandung, cast.jakarta, cast.surabaya]
    (same,) = pages.pace_sentences(outlets)
    assert same.startswith(CAUTIOUS)
    fast = {"per_minute": 90, "daily_cap": None, "quiet_from": None, "quiet_to": None, "ramp_days": 0}
    pace_update(cast.jakarta, cast.adi, **fast)
    slow, quick = pages.pace_sentences(outlets)
    assert slow.startswith(f"{cast.bandung.name}, {cast.surabaya.name}: {CAUTIOUS}")
    assert quick == f"{cast.jakarta.name}: Paling banyak 90 pesan per menit."
    assert pages.pace_sentences([cast.jakarta]) == ["Paling banyak 90 pesan per menit."]
    assert pages.pace_sentences([]) == [same]
