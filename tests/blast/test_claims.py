"""The durable steps and what people do beside them: each locks what it must, where a database lets it."""

import asyncio
import threading
import time
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction
from django.utils import timezone

from blast import pace_services, services
from blast.claims import Claim, PutBack, claims_write, left_behind, put_back_write
from blast.models import Act, Blast, Pace, Recipient, default_fields
from blast.plan import Job, look, rest_give_up
from blast.states import BlastStatus, OnUnhealthy, RecipientStatus
from tests.blast.house import rows
from wa_sessions.claims import claim_new
from wa_sessions.db import run_db
from wa_sessions.group import GroupCommit
from wa_sessions.models import WhatsAppSession
from wa_sessions.ownership import Ownership

# Not in a transaction of the test's: in one PostgreSQL would not say that a lock was taken outside of any.
pytestmark = pytest.mark.django_db(transaction=True)
OURS = Ownership("us", 1)


@pytest.fixture
def running(cast):
    WhatsAppSession.objects.create(outlet=cast.jakarta, owner=OURS.owner, epoch=OURS.epoch)
    blast = services.blast_create(cast.adi, name="Promo", body="Halo", outlets=[cast.jakarta], rows=rows(4))
    return services.blast_start(blast, cast.adi)


def claim(blast, outlet, count):
    return claims_write([Claim(outlet.pk, OURS, blast.pk, count, datetime.now(UTC))])[0]


def statuses(blast):
    return list(Recipient.objects.filter(blast=blast).order_by("line").values_list("status", "error_code"))


@pytest.mark.parametrize("off", ["", "hashjoin mergejoin", "hashjoin mergejoin hashagg sort material memoize"])
def test_no_more_is_claimed_than_was_asked_for(cast, running, off):
    """However PostgreSQL, which may run a subquery once for each row, plans it."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                for way in off.split():
                    cursor.execute(f"SET LOCAL enable_{way} = off")
        found = claim(running, cast.jakarta, 2)
    assert [row.name for row in found] == ["Orang 1", "Orang 2"]
    assert statuses(running) == [("SENDING", "")] * 2 + [("QUEUED", "")] * 2


def test_what_was_left_behind_is_to_be_repeated(cast, running):
    claim(running, cast.jakarta, 2)
    assert left_behind(cast.jakarta.pk) == {running.pk}
    assert statuses(running) == [("QUEUED", "")] * 4
    assert Recipient.objects.filter(claimed_at=None).count() == 2
    assert left_behind(cast.jakarta.pk) == set()


def test_what_was_left_behind_of_a_cancelled_blast_is_not_repeated(cast, running):
    claim(running, cast.jakarta, 2)
    services.blast_cancel(running, cast.adi)
    assert left_behind(cast.jakarta.pk) == {running.pk}
    assert statuses(running) == [("UNKNOWN", "interrupted")] * 2 + [("CANCELLED", "")] * 2


async def test_what_is_put_back_of_a_cancelled_blast_is_cancelled_where_nothing_was_sent(cast, running):
    first, second = await run_db(claim, running, cast.jakarta, 2)
    await run_db(services.blast_cancel, running, cast.adi)
    group = GroupCommit()
    task = asyncio.create_task(group.run())
    await group.write(put_back_write, PutBack(cast.jakarta.pk, OURS, [first.pk], [second.pk], [first.counted_at]))
    task.cancel()
    found = await run_db(statuses, running)
    assert found == [("CANCELLED", ""), ("UNKNOWN", "interrupted")] + [("CANCELLED", "")] * 2


async def test_a_blast_is_cancelled_while_a_group_of_writes_claims_and_puts_back(cast, running):
    (unsent,) = await run_db(claim, running, cast.jakarta, 1)
    begun = threading.Event()

    def cancel():
        with transaction.atomic():
            Blast.objects.select_for_update().get(pk=running.pk)
            begun.set()
            time.sleep(0.3)  # the group waits for us by now, and must hold nothing that we want
            began = time.monotonic()
            services.blast_cancel(running, cast.adi)
            return time.monotonic() - began

    cancelling = asyncio.create_task(run_db(cancel))
    await asyncio.to_thread(begun.wait, 5)
    group = GroupCommit()
    writes = (
        group.submit(claims_write, Claim(cast.jakarta.pk, OURS, running.pk, 2, datetime.now(UTC))),
        group.submit(put_back_write, PutBack(cast.jakarta.pk, OURS, [unsent.pk])),
    )
    task = asyncio.create_task(group.run())
    took, claimed, _ = await asyncio.gather(cancelling, *writes)
    task.cancel()
    assert took < 0.5, "until the database ended their waiting for each other"
    assert claimed == []
    found = await run_db(statuses, running)
    assert found == [("CANCELLED", "")] * 4


def test_a_blast_without_open_rows_ends(cast, running):
    Recipient.objects.update(status=RecipientStatus.SENT)
    look(timezone.now())
    assert Blast.objects.get().status == BlastStatus.DONE


def test_an_outlets_rest_is_given_up(cast, running):
    job = Job(running.pk, "Halo", OnUnhealthy.SKIP, None, False, frozenset({cast.jakarta.pk}))
    assert rest_give_up(cast.jakarta.pk, job) == 4
    assert statuses(running) == [("SKIPPED", "outlet_unhealthy")] * 4


def test_people_change_and_retry_what_nobody_else_changes_meanwhile(cast, running):
    Recipient.objects.update(status=RecipientStatus.FAILED, claimed_at=timezone.now())
    assert services.blast_retry_failed(running, cast.adi) == 4
    draft = services.blast_create(cast.adi, name="Promo", body="Halo", outlets=[cast.jakarta], rows=rows(1))
    assert services.blast_update(draft, cast.adi, name="Lain").name == "Lain"


def test_an_outlet_is_released(cast):
    Pace.objects.create(
        outlet=cast.jakarta, **default_fields(), stopped_at=timezone.now(), stopped_cause="restricted",
        stopped_detail={"code": 463},
    )  # fmt: skip
    assert pace_services.pace_release(cast.jakarta, cast.adi).stopped_at is None
    assert Act.objects.filter(what="released").exists()


def test_new_sessions_are_claimed(cast):
    WhatsAppSession.objects.create(outlet=cast.bandung)
    (claimed,) = claim_new("us", [cast.bandung.pk])
    assert (claimed.outlet, claimed.ownership) == (cast.bandung.pk, Ownership("us", 1))
