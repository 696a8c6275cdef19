"""Receipts in any order, repeated, late, mixed with outcomes: a recipient's status only moves forward."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from blast.claims import Outcome, outcomes_write
from blast.models import Blast, Recipient
from blast.receipts import Receipt, receipts_write
from blast.states import OF_RECEIPT, RecipientStatus, advance
from tests.blast.house import phone
from tests.cast import Cast
from wa_sessions.ownership import Ownership
from whatsapp.events import ReceiptReceived
from whatsapp.protocol.jid import LID_SERVER, Jid

pytestmark = pytest.mark.django_db

ME = Ownership("me", 1)
AT = 1_800_000_000
RECEIPTS = st.sampled_from(sorted(OF_RECEIPT))
OUTCOMES = st.sampled_from(("SENT", "FAILED", "SKIPPED", "UNKNOWN"))


def a_recipient(**fields):
    outlet = Cast().jakarta if not Blast.objects.exists() else Recipient.objects.get().outlet
    Recipient.objects.all().delete()
    blast = Blast.objects.first() or Blast.objects.create(name="Promo", body="Halo")
    fields = {"status": "SENDING", "owner": "me", "epoch": 1, **fields}
    return Recipient.objects.create(blast=blast, line=1, phone=phone(1), outlet=outlet, **fields)


def receipt(row, status, *, number=None, at=AT, outlet=None, user=None, server="s.whatsapp.net"):
    jid = Jid(user or row.phone, server)
    event = ReceiptReceived((row.message_id,), jid, row.phone if number is None else number or None, status, at)
    return Receipt(outlet or row.outlet_id, event)


@given(st.sampled_from(RecipientStatus.values), st.lists(st.lists(RECEIPTS | OUTCOMES, max_size=4), max_size=4))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_status_only_moves_forward(db, first, batches):
    row = a_recipient(status=first)
    expected = first
    for batch in batches:
        receipts = [receipt(row, each) for each in batch if each in OF_RECEIPT]
        outcomes = [each for each in batch if each not in OF_RECEIPT][:1]
        receipts_write(receipts)
        for each in receipts:
            expected = advance(expected, OF_RECEIPT[each.event.status])
        for each in outcomes:
            at = datetime.fromtimestamp(AT, UTC) if each == "SENT" else None
            outcomes_write([Outcome(row.pk, row.outlet_id, row.phone, ME, RecipientStatus(each), at)])
            expected = advance(expected, each) if expected == "SENDING" else expected
        assert Recipient.objects.get().status == expected
    found = Recipient.objects.get()
    assert found.status not in ("READ",) or first == "READ" or found.read_at is not None


def test_reading_is_proof_of_everything_before():
    row = a_recipient(status="SENDING")
    receipts_write([receipt(row, "read", at=AT + 5), receipt(row, "delivered", at=AT)])
    row.refresh_from_db()
    assert row.status == "READ"
    assert row.read_at == datetime.fromtimestamp(AT + 5, UTC)
    assert row.sent_at is not None
    assert row.delivered_at is not None


def test_nobody_else_confirms_a_message():
    row = a_recipient(status="SENT")
    strange = [
        receipt(row, "read", number="6281111111111"),
        receipt(row, "read", outlet=row.outlet_id + 1),
    ]
    assert receipts_write(strange) == [set(), set()]
    Recipient.objects.update(jid="123@lid")
    receipts_write([receipt(row, "read", number="", user="999", server=LID_SERVER)])
    row.refresh_from_db()
    assert row.status == "SENT"
    receipts_write([receipt(row, "read", number="", user="123", server=LID_SERVER)])
    row.refresh_from_db()
    assert row.status == "READ"


def test_an_outcome_of_an_older_claim_changes_nothing():
    row = a_recipient(status="SENDING", epoch=2)
    outcomes_write([Outcome(row.pk, row.outlet_id, row.phone, ME, RecipientStatus.FAILED, None, "refused")])
    row.refresh_from_db()
    assert (row.status, row.error_code) == ("SENDING", "")


def test_receipts_of_messages_that_are_not_ours_are_nothing():
    row = a_recipient(status="SENT")
    other = ReceiptReceived(("3EB0NOBODY",), Jid(row.phone), row.phone, "read", AT)
    assert receipts_write([Receipt(row.outlet_id, other)]) == [set()]
