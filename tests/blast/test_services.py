"""What people do with a blast, where it is not sent at that moment."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from blast import services
from blast.exceptions import BlastRefused
from blast.models import OptOut, Recipient
from blast.recipients import Row
from blast.states import BlastStatus

pytestmark = pytest.mark.django_db


def test_cancelling_does_not_say_that_nothing_was_sent_to_whom_something_may_have_been(cast):
    rows = [Row(1, "6281234567891"), Row(2, "6281234567892")]
    blast = services.blast_create(cast.adi, name="Promo", body="Halo", outlets=[cast.jakarta], rows=rows)
    services.blast_start(blast, cast.adi)
    # As a server leaves it that was killed in mid-message: to be repeated with the same id.
    Recipient.objects.filter(blast=blast, line=2).update(claimed_at=timezone.now())
    blast = services.blast_cancel(blast, cast.adi)
    found = Recipient.objects.filter(blast=blast).order_by("line").values_list("status", "error_code")
    assert (blast.status, list(found)) == (BlastStatus.CANCELLED, [("CANCELLED", ""), ("UNKNOWN", "interrupted")])


def test_only_what_failed_for_certain_is_retried_and_with_its_own_id(cast):
    rows = [Row(1, "6281234567891"), Row(2, "6281234567892")]
    blast = services.blast_create(cast.adi, name="Promo", body="Halo", outlets=[cast.jakarta], rows=rows)
    services.blast_start(blast, cast.adi)
    ids = list(Recipient.objects.order_by("line").values_list("message_id", flat=True))
    Recipient.objects.update(status="UNKNOWN", error_code="repeat_refused", claimed_at=timezone.now())
    with pytest.raises(BlastRefused):
        services.blast_retry_failed(blast, cast.adi)
    Recipient.objects.filter(line=2).update(status="FAILED", error_code="refused")
    assert services.blast_retry_failed(blast, cast.adi) == 1
    found = Recipient.objects.order_by("line").values_list("status", "message_id")
    assert list(found) == [("UNKNOWN", ids[0]), ("QUEUED", ids[1])]


def test_a_start_is_within_the_calendar(cast):
    rows = [Row(1, "6281234567891")]
    blast = services.blast_create(cast.adi, name="Promo", body="Halo", outlets=[cast.jakarta], rows=rows)
    with pytest.raises(BlastRefused):
        services.blast_start(blast, cast.adi, start_at=datetime(9999, 12, 31, tzinfo=UTC))


def test_a_reason_has_only_signs_that_a_database_takes(cast):
    opt_out = OptOut.objects.create(phone="6281234567891", at=timezone.now(), outlet=cast.jakarta)
    assert services.opt_out_undo(opt_out, cast.adi, "Asked\x00again").reason == "Asked again"
