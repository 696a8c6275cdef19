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


def test_the_reasons_are_those_of_the_limits_that_there_are(cast):
    question, reasons = pages.pace_reasons([cast.bandung, cast.jakarta])
    assert (question, len(reasons)) == ("Mengapa begitu hati-hati?", 8)
    free = {"per_minute": None, "daily_cap": None, "quiet_from": None, "quiet_to": None, "ramp_days": 0, "delay_s": 0}
    pace_update(cast.jakarta, cast.adi, **free)
    assert pages.pace_reasons([cast.jakarta])[1] == []  # nothing to be explained
    assert pages.pace_reasons([cast.jakarta, cast.bandung])[0] == "Mengapa begitu hati-hati?"
    pace_update(cast.jakarta, cast.adi, **{**free, "per_minute": 90})
    question, reasons = pages.pace_reasons([cast.jakarta])
    assert (question, len(reasons)) == ("Mengapa ada batas?", 1)
    assert reasons[0].startswith("Banyak pesan dalam satu menit")
