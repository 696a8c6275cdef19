"""What people ask for becomes a wish in the row, and nothing else."""

from datetime import timedelta

import pytest
from django.utils import timezone

from wa_sessions import services
from wa_sessions.exceptions import WishRefused
from wa_sessions.models import Flip, WhatsAppSession
from wa_sessions.services import Correction, sessions_correct
from wa_sessions.states import Intent, Source, Status, Wish

pytestmark = pytest.mark.django_db
JID = "6287788987745:7@s.whatsapp.net"


def linked(outlet, **fields):
    fields = {"intent": Intent.ONLINE, "status": Status.CONNECTED, "jid": JID, "owner": "me", "epoch": 1} | fields
    return WhatsAppSession.objects.create(outlet=outlet, **fields)


def test_it_makes_the_session_of_an_outlet_that_never_had_one(cast, settings):
    settings.WA_MAX_RETRIES = 7
    session = services.session_connect(cast.medan)
    assert (session.intent, session.wish, session.wish_number, session.wish_done) == ("ONLINE", "connect", 1, 0)
    assert (session.status, session.max_retries) == ("DISCONNECTED", 7)


@pytest.mark.parametrize(
    ("ask", "intent", "wish"),
    [
        (services.session_connect, Intent.ONLINE, Wish.CONNECT),
        (lambda outlet: services.session_connect(outlet, by_code=True), Intent.ONLINE, Wish.CONNECT_BY_CODE),
        (services.session_pause, Intent.PAUSED, Wish.PAUSE),
        (services.session_resume, Intent.ONLINE, Wish.RESUME),
        (services.session_disconnect, Intent.OFFLINE, Wish.DISCONNECT),
        (services.session_unlink, Intent.OFFLINE, Wish.UNLINK),
    ],
)
def test_it_writes_the_wish_and_leaves_the_state_alone(cast, ask, intent, wish):
    before = linked(cast.jakarta, wish_number=4, wish_done=4, version=9)
    after = ask(cast.jakarta)
    assert (after.intent, after.wish, after.wish_number) == (intent, wish, 5)
    assert (after.status, after.version, after.owner, after.jid) == (before.status, 9, "me", JID)
    assert not Flip.objects.exists()


def refused(ask, outlet):
    with pytest.raises(WishRefused) as refusal:
        ask(outlet)
    assert str(refusal.value.message)
    return refusal.value.code


def test_it_refuses_to_connect_an_inactive_outlet(cast):
    cast.medan.is_active = False
    assert refused(services.session_connect, cast.medan) == "outlet_inactive"


def test_it_refuses_to_pause_or_unlink_what_was_never_linked(cast):
    assert refused(services.session_pause, cast.medan) == "not_connected"
    assert refused(services.session_unlink, cast.medan) == "not_linked"
    assert refused(services.session_resume, cast.medan) == "not_paused"


def test_it_refuses_to_connect_while_whatsapp_restricts_the_number(cast):
    session = linked(cast.jakarta, cause="temporary_ban", retry_at=timezone.now() + timedelta(minutes=14))
    assert refused(services.session_connect, cast.jakarta) == "temporary_ban"
    WhatsAppSession.objects.filter(pk=session.pk).update(retry_at=timezone.now() - timedelta(seconds=1))
    assert services.session_connect(cast.jakarta).wish == Wish.CONNECT


def test_it_changes_settings_without_repeating_an_old_wish(cast):
    linked(cast.jakarta, wish=Wish.CONNECT, wish_number=3, wish_done=3)
    session = services.session_configure(cast.jakarta, auto_reconnect=False, max_retries=9)
    assert (session.auto_reconnect, session.max_retries) == (False, 9)
    assert (session.wish, session.wish_number) == ("", 4)


def test_it_keeps_a_wish_that_nobody_has_acted_on_yet(cast):
    linked(cast.jakarta, wish=Wish.CONNECT, wish_number=4, wish_done=3)
    session = services.session_configure(cast.jakarta, auto_reconnect=False)
    assert (session.wish, session.wish_number, session.auto_reconnect) == (Wish.CONNECT, 5, False)


def correct(session, to_status, **fields):
    values = {"version": session.version, "from_status": Status(session.status), "drift_s": 1.5} | fields
    return sessions_correct("me", [Correction(session.pk, to_status=to_status, **values)], timezone.now())


def test_it_corrects_a_row_and_says_so_in_the_history(cast, caplog):
    session = linked(cast.jakarta, version=3)
    with caplog.at_level("INFO", "wa_sessions"):
        assert correct(session, Status.DISCONNECTED) == {session.pk}
    session.refresh_from_db()
    assert (session.status, session.version) == ("DISCONNECTED", 4)
    flip = Flip.objects.get()
    assert (flip.from_status, flip.to_status, flip.source, flip.drift_s) == (
        "CONNECTED",
        "DISCONNECTED",
        Source.SYNC,
        1.5,
    )
    assert caplog.messages == [
        f"[WhatsApp] Database says CONNECTED but socket verification failed for outlet_{session.pk},"
        " syncing to DISCONNECTED"
    ]


@pytest.mark.parametrize("newer", [{"version": 4}, {"owner": "somebody"}])
def test_it_never_overwrites_what_was_written_since_the_row_was_read(cast, newer):
    session = linked(cast.jakarta, version=3)
    WhatsAppSession.objects.filter(pk=session.pk).update(**newer)
    assert correct(session, Status.DISCONNECTED) == set()
    session.refresh_from_db()
    assert session.status == "CONNECTED"
    assert not Flip.objects.exists()


def test_it_corrects_any_number_of_rows_in_two_statements(cast, django_assert_max_num_queries):
    sessions = [linked(outlet) for outlet in cast.outlets]
    items = [Correction(s.pk, s.version, Status.CONNECTED, Status.DISCONNECTED, 0.0) for s in sessions]
    with django_assert_max_num_queries(4):  # the two, and in a test a savepoint around them
        assert len(sessions_correct("me", items, timezone.now())) == 5
