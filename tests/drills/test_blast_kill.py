"""`kill -9` and SIGTERM of the server in the middle of a blast: every phone shows its message, and shows it once.

The full size is for `make soak`: BLAST_DRILL=full.
"""

import os
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from blast import services
from blast.models import Blast, Recipient
from blast.recipients import Row
from tests.cast import Cast
from tests.drills.drill import Drill, drill
from tests.drills.server import wait_for
from wa_sessions.models import WhatsAppSession

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

IS_FULL = os.environ.get("BLAST_DRILL") == "full"
PEOPLE, KILLS = (2000, 20) if IS_FULL else (300, 6)
PATIENCE_S = 300.0
UNPACED = {"BLAST_PACING": "off", "WA_RETRY_DELAY": "0.2"}
REACHED = {"SENT", "DELIVERED", "READ"}


def _phone(number: int) -> str:
    return f"62855{number:08d}"


def _started(here: Drill, people: int) -> Blast:
    """A running blast from all five outlets; everybody has a phone. Every other one sends no receipts, nor do three
    outlets' own: what of theirs was on its way when the server was killed has to be sent again."""
    here.phones.add_recipients([_phone(n) for n in range(1, people + 1)])
    for n in range(1, people + 1, 2):
        here.phones.behave(_phone(n), confirms=False)
    for outlet in here.cast.outlets[:3]:
        here.phones.behave(outlet.whatsapp_number, confirms=False)
    rows = [Row(n, _phone(n), f"Orang {n}") for n in range(1, people + 1)]
    by = here.cast.adi
    blast = services.blast_create(by, name="Promo", body="Halo {name}!", outlets=here.cast.outlets, rows=rows)
    return services.blast_start(blast, by)


def _shown(here: Drill) -> int:
    return here.phones.totals()["messages"]


def _done(here: Drill, blast: Blast) -> None:
    def is_done() -> bool:
        assert here.server.is_running, here.server.log[-3000:]
        return Blast.objects.filter(pk=blast.pk, status="DONE").exists()

    try:
        wait_for(is_done, "the end of the blast", PATIENCE_S)
    except AssertionError as error:
        raise AssertionError(f"{error}: {_counts(blast)}\n{here.server.log[-3000:]}") from None


def _counts(blast: Blast) -> dict[str, int]:
    return dict(Counter(Recipient.objects.filter(blast=blast).values_list("status", flat=True)))


def _everybody_got_it_once(here: Drill, blast: Blast) -> dict[str, int]:
    """What phones show and what rows say. Gives the simulator's totals."""
    rows = list(Recipient.objects.filter(blast=blast).order_by("line"))
    wait_for(lambda: _shown(here) >= len(rows), "the last message", 20)
    inboxes: dict[str, Any] = here.phones.inboxes([row.phone for row in rows])
    wrong = {row.phone: inboxes[row.phone]["ids"] for row in rows if inboxes[row.phone]["ids"] != [row.message_id]}
    assert wrong == {}, "lost, twice, or by another id"
    texts = {row.phone: [message["text"] for message in here.phones.inbox(row.phone)] for row in rows}
    assert texts == {row.phone: [f"Halo {row.name}!"] for row in rows}
    totals = here.phones.totals()
    assert (totals["messages"], totals["undecryptable"], totals["ignored"]) == (len(rows), 0, 0), totals
    assert set(_counts(blast)) <= REACHED, _counts(blast)
    assert here.phones.mistakes() == []
    assert "Traceback" not in here.server.whole_log
    return totals


def test_it_can_be_killed_at_any_moment_of_a_blast(tmp_path: Path, cast: Cast) -> None:
    dice = random.Random(11)
    with drill(tmp_path, cast, **UNPACED) as here:
        here.link_directly(*cast.outlets)
        blast = _started(here, PEOPLE)
        # After so many messages, or so long after a start: while lines are dialled, rows taken back, messages repeated.
        marks = sorted(dice.sample(range(PEOPLE // 50, PEOPLE * 9 // 10), KILLS))
        in_the_middle = 0
        for turn, mark in enumerate(marks):
            if turn % 4 == 3:
                time.sleep(dice.uniform(0.0, 0.5))
            else:
                wait_for(lambda mark=mark: _shown(here) >= mark, f"message {mark}", PATIENCE_S, pause_s=0.005)
                time.sleep(dice.uniform(0.0, 0.05))
            here.server.kill()
            in_the_middle += Recipient.objects.filter(blast=blast, status="SENDING").exists()
            here.server.start(wait=turn % 4 != 2)
            if turn % 4 == 2:
                here.server.wait_until_listening()
        here.server.wait_until_ready()
        assert in_the_middle >= KILLS // 3, "too few of these moments were of interest"
        _done(here, blast)
        totals = _everybody_got_it_once(here, blast)
        print(f"{KILLS} kills, {in_the_middle} with rows on their way, {PEOPLE} people: {totals}, {_counts(blast)}")


@pytest.mark.parametrize("is_hung", [False, True], ids=["answered", "unanswered"])
def test_it_ends_in_time_in_the_middle_of_a_blast(tmp_path: Path, cast: Cast, is_hung: bool) -> None:
    people = 400
    with drill(tmp_path, cast, **UNPACED) as here:
        here.link_directly(*cast.outlets)
        blast = _started(here, people)
        wait_for(lambda: _shown(here) >= people // 10, "the first messages", pause_s=0.005)
        if is_hung:  # the answer to what is on the wire never comes
            here.phones.fault("black_hole", cast.jakarta.whatsapp_number)
            here.phones.fault("no_ack", cast.bandung.whatsapp_number)
            time.sleep(0.2)
        took = here.server.terminate()
        assert took < 10
        assert Recipient.objects.filter(blast=blast, status="QUEUED").exists(), "it was over already"
        assert not Recipient.objects.filter(blast=blast, status="SENDING").exists()
        assert set(WhatsAppSession.objects.values_list("status", flat=True)) == {"DISCONNECTED"}
        assert "Traceback" not in here.server.log
        here.phones.lift()
        here.server.start()
        _done(here, blast)
        _everybody_got_it_once(here, blast)
        print(f"SIGTERM took {took:.1f} s")
