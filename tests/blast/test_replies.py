"""What people write: contacts remembered, opt-outs durable at once and once, whatever comes twice."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from blast import services
from blast.models import Contact, OptOut, Recipient
from blast.replies import Heard, Reply, replies_write, unconfirmed
from blast.selectors import last_writers, messaged_lately
from tests.blast.house import phone, rows
from whatsapp.events import MessageReceived
from whatsapp.protocol.jid import Jid

pytestmark = pytest.mark.django_db
AT = int(datetime.now(UTC).timestamp())
ANI = phone(1)


def reply(outlet, text, *, number=ANI, message_id="M1", chat=None, from_me=False, at=AT):
    return Reply(outlet.pk, MessageReceived(message_id, chat or Jid(number), number, from_me, text, at))


def two_blasts(cast):
    return [
        services.blast_create(cast.adi, name=name, body="Halo", outlets=[cast.jakarta, cast.bandung], rows=rows(3))
        for name in "ab"
    ]


def test_stop_skips_the_person_in_all_blasts(cast):
    blasts = two_blasts(cast)
    (heard,) = replies_write([reply(cast.jakarta, "Berhenti!")])
    assert (heard.gone, heard.blasts) == ({phone(1)}, {blast.pk for blast in blasts})
    assert Recipient.objects.filter(status="SKIPPED", error_code="opted_out").count() == 2
    assert Recipient.objects.filter(status="QUEUED").count() == 4
    (row,) = unconfirmed(timezone.now())
    assert (row.outlet, row.jid) == (cast.jakarta.pk, f"{phone(1)}@s.whatsapp.net")


def test_what_may_have_been_sent_before_is_not_known(cast):
    two_blasts(cast)
    Recipient.objects.filter(line=1).update(claimed_at=timezone.now())
    replies_write([reply(cast.jakarta, "STOP")])
    assert set(Recipient.objects.filter(line=1).values_list("status", flat=True)) == {"UNKNOWN"}


def test_the_same_reply_twice_is_one_opt_out_even_after_it_was_undone(cast):
    replies_write([reply(cast.jakarta, "STOP")])
    services.opt_out_undo(OptOut.objects.get(), cast.adi, "Minta lagi")
    replies_write([reply(cast.jakarta, "STOP")])
    assert OptOut.objects.filter(ended_at=None).count() == 0
    replies_write([reply(cast.jakarta, "STOP", message_id="M2"), reply(cast.bandung, "STOP", message_id="M3")])
    assert OptOut.objects.filter(ended_at=None).count() == 1


def test_other_words_are_only_contacts(cast):
    assert replies_write([reply(cast.jakarta, "jangan stop dong"), reply(cast.jakarta, None)]) == [Heard(), Heard()]
    assert Contact.objects.get().last_in_at.timestamp() == AT
    assert not OptOut.objects.exists()


def test_a_person_without_a_number_is_found_by_the_address(cast):
    two_blasts(cast)
    Recipient.objects.filter(line=2).update(jid="123@lid")
    replies_write([reply(cast.jakarta, "stop", number=None, chat=Jid("123", "lid"))])
    assert OptOut.objects.get().phone == phone(2)


def test_who_wrote_last_is_remembered(cast):
    replies_write([reply(cast.jakarta, "Halo", from_me=True, chat=Jid(phone(5)), at=AT - 100)])
    replies_write([reply(cast.bandung, "Halo", from_me=True, chat=Jid(phone(5)), at=AT - 50)])
    replies_write([reply(cast.jakarta, "Lama", from_me=True, chat=Jid(phone(5)), at=AT - 9999)])
    assert last_writers([phone(5), phone(6)], cast.outlets) == {phone(5): cast.bandung.pk}
    assert messaged_lately([phone(5), phone(6)], 7, timezone.now()) == {phone(5)}
