"""The core as a state machine: no socket, and a clock that the test turns."""

import dataclasses
import math

import pytest

from tests.whatsapp.peer import JID, LID, WALL_TIME, Peer, certificate_chain, linked_credentials, result, success
from tests.whatsapp.protocol.line import Line
from whatsapp.ends import EndKind
from whatsapp.events import LoggedIn
from whatsapp.protocol import curve, stanzas
from whatsapp.protocol.connection import Phase
from whatsapp.protocol.frames import frame
from whatsapp.protocol.jid import SERVER_JID, Jid
from whatsapp.protocol.keys import new_credentials
from whatsapp.protocol.nodes import Node
from whatsapp.protocol.signals import Answered, Arrived, PreKeysLow, RoutingInfo


class TestHandshake:
    def test_a_login_reaches_the_server(self):
        line = Line().shake()
        assert line.peer.payload.username == 6287788987745
        assert line.connection.phase is Phase.LOGIN
        assert line.connection.user is None

    def test_a_server_without_a_hello_times_out(self):
        line = Line()
        line.wait(19)
        assert line.end is None
        line.wait(2)
        assert (line.end.reason, line.end.code, line.end.network) == ("hello_timeout", 408, True)

    def test_a_server_without_a_verdict_times_out(self):
        line = Line().shake()
        line.wait(19.9)
        assert line.end is None
        line.wait(0.2)
        assert (line.end.reason, line.end.network) == ("login_timeout", False)

    def test_a_bad_certificate_ends_it(self):
        static = curve.new_private()
        chain = certificate_chain(curve.public_of(static), leaf_not_after=1)
        line = Line(peer=Peer(static_private=static, chain=chain)).shake()
        assert (line.end.kind, line.end.reason, line.end.network) == (EndKind.TRANSIENT, "certificate", True)
        assert line.end.detail.startswith("7: leaf")

    def test_a_hello_that_does_not_open_ends_it(self):
        line = Line()
        line.connection.receive_data(frame(b"\x1a\x00"), line.now)
        assert line.end.reason == "handshake"

    @pytest.mark.parametrize("jid", ["", "nobody", "x@s.whatsapp.net"])
    def test_credentials_that_name_nobody_are_the_callers_mistake(self, jid):
        with pytest.raises(ValueError, match=r"no linked device|invalid literal"):
            Line(dataclasses.replace(linked_credentials(), jid=jid))


class TestLogin:
    def test_success_names_who_we_are(self):
        line = Line().shake()
        assert line.arrives(success()) == [LoggedIn(Jid.parse(JID), Jid.parse(LID), "Toko", int(WALL_TIME))]
        assert line.connection.user == Jid.parse(JID)
        assert line.connection.answered_at == line.now

    def test_success_without_attributes_is_enough(self):
        line = Line().shake()
        assert line.arrives(Node("success")) == [LoggedIn(Jid.parse(JID), None, "", 0)]

    def test_a_long_name_is_cut(self):
        assert len(Line().shake().arrives(success(display_name="x" * 5000))[0].display_name) == 200

    def test_failure_is_the_end(self):
        line = Line().shake()
        line.arrives(Node("failure", {"reason": "403"}))
        assert (line.end.kind, line.end.code) == (EndKind.LOCKED, 403)

    def test_a_second_success_says_nothing_new(self, line):
        assert line.arrives(success()) == []

    def test_a_success_while_registering_is_nothing(self):
        line = Line(new_credentials()).shake()
        assert line.arrives(success()) == []
        assert line.connection.user is None


class TestEnds:
    def test_a_stream_error(self, line):
        line.arrives(Node("stream:error", {}, [Node("conflict", {"type": "replaced"})]))
        assert (line.end.kind, line.end.code) == (EndKind.REPLACED, 440)

    def test_a_restart_of_a_live_session(self, line):
        line.arrives(Node("stream:error", {"code": "515"}))
        assert line.end.kind is EndKind.RESTART

    def test_the_end_of_the_stream(self, line):
        line.arrives(Node("xmlstreamend"))
        assert (line.end.reason, line.end.code) == ("stream_end", 428)

    def test_a_closed_socket(self, line):
        line.connection.receive_eof()
        assert (line.end.reason, line.end.network) == ("closed", False)

    def test_a_socket_closed_before_the_hello(self):
        line = Line()
        line.connection.receive_eof()
        assert (line.end.reason, line.end.network) == ("hello_closed", True)

    def test_a_phone_without_multi_device(self, line):
        line.arrives(Node("ib", {}, [Node("downgrade_webclient")]))
        assert (line.end.kind, line.end.code) == (EndKind.REFUSED, 411)

    def test_the_first_cause_wins_and_nothing_is_processed_behind_it(self, line):
        signals = line.arrives(
            Node("stream:error", {"code": "401"}),
            Node("stream:error", {"code": "515"}),
            Node("notification", {"id": "1"}),
        )
        assert (line.end.code, signals, line.peer.taken()) == (401, [], [])
        line.connection.receive_data(b"\x00\x00\x01x", line.now)
        line.connection.receive_eof()
        line.connection.tick(line.now + 1000)
        assert line.end.code == 401
        assert line.connection.wake_at == math.inf

    def test_a_frame_that_does_not_open(self, line):
        line.connection.receive_data(frame(b"x" * 30), line.now)
        assert line.end.reason == "bad_frame"

    def test_a_frame_that_is_no_node(self, line):
        line.connection.receive_data(frame(line.peer.transport.seal(b"\x00\xf8")), line.now)
        assert line.end.reason == "bad_node"


class TestQueries:
    def test_an_answer_finds_its_question(self, line):
        first, second = line.connection.ask(stanzas.ping()), line.connection.ask(stanzas.active())
        line.flush()
        sent = line.peer.taken()
        assert [node.attr("id") for node in sent] == [first, second]
        answer = result(sent[1])
        assert line.arrives(answer) == [Answered(second, answer)]
        assert line.arrives(answer) == [], "it is answered once"

    def test_an_error_is_an_answer_too(self, line):
        request_id = line.connection.ask(stanzas.ping())
        error = Node("iq", {"from": SERVER_JID, "type": "error", "id": request_id}, [Node("error", {"code": "404"})])
        assert line.arrives(error) == [Answered(request_id, error)]

    def test_an_answer_that_nobody_waits_for_is_dropped(self, line):
        request_id = line.connection.ask(stanzas.ping())
        line.connection.forget(request_id)
        assert line.arrives(Node("iq", {"type": "result", "id": request_id}), Node("iq", {"type": "result"})) == []

    def test_ids_differ(self, line):
        assert len({line.connection.ask(stanzas.ping()) for _ in range(100)}) == 100


class TestAnswers:
    @pytest.mark.parametrize("tag", ["message", "receipt", "notification", "call"])
    def test_what_the_server_sends_is_acknowledged_so_that_it_does_not_come_again(self, line, tag):
        line.arrives(Node(tag, {"from": SERVER_JID, "id": "M1", "offline": "0"}))
        (ack,) = line.peer.taken()
        assert (ack.tag, ack.attr("class"), ack.attr("id")) == ("ack", tag, "M1")

    def test_a_message_to_read_gets_a_receipt_that_says_whether_we_are_online(self, line):
        message = Node("message", {"from": Jid("49123456789"), "id": "M1"}, [Node("enc", {}, b"x")])
        line.arrives(message)
        assert line.peer.taken()[0].attr("type") == "inactive"
        line.connection.send(stanzas.presence_available("Toko"))
        line.flush()
        line.peer.taken()
        line.arrives(message)
        assert "type" not in line.peer.taken()[0].attrs

    @pytest.mark.parametrize("request_id", ["77", ""])
    def test_a_ping_of_the_server_is_answered(self, line, request_id):
        attrs = {"from": SERVER_JID, "type": "get", "xmlns": "urn:xmpp:ping"} | (
            {"id": request_id} if request_id else {}
        )
        line.arrives(Node("iq", attrs))
        (answer,) = line.peer.taken()
        assert (answer.attr("type"), answer.attr("id")) == ("result", request_id)
        assert answer.attrs["to"] == SERVER_JID

    def test_the_backlog_is_asked_for(self, line):
        line.arrives(Node("ib", {}, [Node("offline_preview", {"count": "3"})]))
        assert line.peer.taken()[0].child("offline_batch").attr("count") == "100"

    def test_what_is_dirty_is_called_clean(self, line):
        line.arrives(Node("ib", {}, [Node("dirty", {"type": "groups", "timestamp": "5"})]))
        (iq,) = line.peer.taken()
        assert iq.attr("xmlns") == "urn:xmpp:whatsapp:dirty"
        assert iq.child("clean").attrs == {"type": "groups", "timestamp": "5"}

    def test_the_way_back_is_passed_on(self, line):
        routing = Node("ib", {}, [Node("edge_routing", {}, [Node("routing_info", {}, b"way")])])
        assert line.arrives(routing) == [RoutingInfo(b"way")]

    @pytest.mark.parametrize("data", [b"", b"x" * 1025])
    def test_a_strange_way_back_is_not(self, line, data):
        routing = Node("ib", {}, [Node("edge_routing", {}, [Node("routing_info", {}, data)])])
        assert line.arrives(routing) == []

    @pytest.mark.parametrize(("count", "signals"), [("4", [PreKeysLow(4)]), ("0", [PreKeysLow(0)]), ("5", [])])
    def test_few_pre_keys_are_told(self, line, count, signals):
        node = Node(
            "notification", {"from": SERVER_JID, "id": "1", "type": "encrypt"}, [Node("count", {"value": count})]
        )
        assert line.arrives(node) == signals
        assert line.peer.taken()[0].attr("type") == "encrypt"

    @pytest.mark.parametrize(
        "stanza",
        [
            Node("message", {"type": "text"}, [Node("enc", {"type": "msg"}, b"x")]),
            Node("receipt"),
            Node("receipt", {"type": "read"}),
            Node("receipt", {"type": "retry"}, [Node("retry")]),
            Node("notification", {"type": "devices"}),
            Node("notification", {"type": "privacy_token"}),
            Node("notification", {"type": "encrypt"}, [Node("identity")]),
        ],
    )
    def test_what_has_to_be_kept_first_is_left_to_be_answered(self, line, stanza):
        stanza.attrs |= {"from": Jid("4912345678"), "id": "1"}
        assert line.arrives(stanza) == [Arrived(stanza)]
        assert line.peer.taken() == []

    @pytest.mark.parametrize("sender", ["120363-1@g.us", "status@broadcast", "1@newsletter"])
    @pytest.mark.parametrize("tag", ["message", "receipt"])
    def test_what_does_not_come_from_a_person_is_answered_at_once(self, line, tag, sender):
        stanza = Node(tag, {"from": Jid.parse(sender), "id": "1"}, [Node("enc", {"type": "skmsg"}, b"x")])
        assert line.arrives(stanza) == []
        assert len(line.peer.taken()) == 1

    def test_the_ack_of_a_message_is_passed_on(self, line):
        ack = Node("ack", {"class": "message", "id": "3EB01", "t": "5"})
        assert line.arrives(ack, Node("ack", {"class": "receipt", "id": "3EB01"})) == [Answered("ack 3EB01", ack)]

    @pytest.mark.parametrize("tag", ["ack", "presence", "chatstate", "something-new"])
    def test_the_rest_needs_no_answer(self, line, tag):
        assert line.arrives(Node(tag, {"id": "1"})) == []
        assert line.peer.taken() == []


class TestKeepalive:
    def test_it_pings_after_15_seconds_of_silence_and_is_content_with_any_frame(self, line):
        line.wait(14.9)
        assert line.peer.taken() == []
        line.wait(0.2)
        (ping,) = line.peer.taken()
        assert (ping.tag, ping.attr("xmlns"), ping.attr("type")) == ("iq", "w:p", "get")
        line.wait(9)
        line.arrives(Node("presence"))
        line.wait(14)
        assert line.end is None

    def test_a_dead_peer_is_found_within_26_seconds(self, line):
        line.wait(24.9)
        assert line.end is None
        line.wait(1.1)
        assert (line.end.kind, line.end.reason, line.end.code) == (EndKind.TRANSIENT, "keepalive", 408)

    def test_an_answered_line_lives_on(self, line):
        for _ in range(50):
            line.wait(16)
            line.arrives(*(result(ping) for ping in line.peer.taken()))
        assert line.end is None

    def test_bytes_that_are_no_frame_are_no_sign_of_life(self, line):
        line.connection.receive_data(b"\xff\xff\xff", line.now)
        for _ in range(6):
            line.wait(5)
            line.connection.receive_data(b"x", line.now)
        assert line.end.reason == "keepalive"

    def test_it_runs_while_a_qr_is_on_show(self, pairing):
        pairing.peer.taken()
        pairing.wait(26)
        assert pairing.end.reason == "keepalive"

    def test_nothing_is_due_before_login_but_the_time_out(self):
        line = Line().shake()
        assert line.connection.wake_at == line.now + 20
