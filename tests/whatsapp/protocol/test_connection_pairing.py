"""The core while a phone accepts it: no socket, and a clock that the test turns."""

import dataclasses

import pytest

from tests.whatsapp.peer import JID, Phone, pair_device
from tests.whatsapp.protocol.line import REFS, Line
from whatsapp.ends import EndKind
from whatsapp.events import QrCode
from whatsapp.protocol import curve
from whatsapp.protocol.jid import SERVER_JID
from whatsapp.protocol.keys import new_credentials
from whatsapp.protocol.nodes import Node
from whatsapp.protocol.pairing import PairSuccess
from whatsapp.protocol.signals import CodeAnswered


class TestPairing:
    def keep_alive(self, pairing, seconds):
        signals = []
        for _ in range(seconds // 10):
            signals += pairing.wait(10)
            signals += pairing.arrives(Node("presence"))
        return signals

    def test_refs_are_answered_and_shown(self, pairing):
        (code,) = pairing.signals
        assert isinstance(code, QrCode)
        assert (code.valid_s, code.is_last) == (60, False)
        assert "ref-a" in code.text
        (answer,) = pairing.peer.taken()
        assert (answer.attr("type"), answer.attr("id"), answer.attrs["to"]) == ("result", "77", SERVER_JID)

    def test_each_ref_has_its_time_and_then_it_was_not_scanned(self, pairing):
        assert self.keep_alive(pairing, 50) == []
        (second,) = self.keep_alive(pairing, 10)
        assert ("ref-b" in second.text, second.valid_s, second.is_last) == (True, 20, False)
        (third,) = self.keep_alive(pairing, 20)
        assert ("ref-c" in third.text, third.is_last) == (True, True)
        assert pairing.end is None
        self.keep_alive(pairing, 20)
        assert (pairing.end.kind, pairing.end.code) == (EndKind.NOT_SCANNED, 408)

    def test_no_refs_are_no_chance(self):
        line = Line(new_credentials()).shake()
        line.arrives(pair_device([]))
        assert line.end.kind is EndKind.NOT_SCANNED

    def scanned(self, pairing, **spoiled):
        identity = curve.public_of(pairing.credentials.identity_private)
        return pairing.arrives(Phone(**spoiled).pair_success(pairing.credentials.adv_secret, identity))

    def test_nothing_is_answered_before_the_credentials_are_saved(self, pairing):
        pairing.peer.taken()
        (signal,) = self.scanned(pairing)
        assert isinstance(signal, PairSuccess)
        assert signal.credentials.jid == JID
        assert pairing.peer.taken() == []
        pairing.connection.confirm_pairing(pairing.now)
        pairing.flush()
        (answer,) = pairing.peer.taken()
        assert answer.child("pair-device-sign") is not None

    def test_a_line_lost_before_the_server_was_told_has_paired_nothing(self, pairing):
        self.scanned(pairing)
        pairing.connection.receive_eof()
        assert (pairing.end.kind, pairing.end.reason) == (EndKind.TRANSIENT, "closed")

    def test_the_server_is_told_once(self, pairing):
        self.scanned(pairing)
        pairing.peer.taken()
        for _ in range(2):
            pairing.connection.confirm_pairing(pairing.now)
        pairing.flush()
        assert len(pairing.peer.taken()) == 1

    def test_a_slow_disk_does_not_cost_the_pairing(self, pairing):
        self.scanned(pairing)
        assert self.keep_alive(pairing, 300) == []
        assert pairing.end is None

    def test_the_restart_follows(self, pairing):
        self.scanned(pairing)
        pairing.connection.confirm_pairing(pairing.now)
        pairing.arrives(Node("stream:error", {"code": "515"}))
        assert pairing.end.kind is EndKind.RESTART

    @pytest.mark.parametrize("how", ["eof", "stream end", "silence"])
    def test_once_told_any_end_is_a_restart(self, pairing, how):
        self.scanned(pairing)
        pairing.connection.confirm_pairing(pairing.now)
        if how == "eof":
            pairing.connection.receive_eof()
        elif how == "stream end":
            pairing.arrives(Node("xmlstreamend"))
        else:
            self.keep_alive(pairing, 30)
        assert pairing.end.kind is EndKind.RESTART

    def test_a_pair_success_that_does_not_verify_is_told_the_server(self, pairing):
        pairing.peer.taken()
        assert self.scanned(pairing, adv_secret=bytes(32)) == []
        (error,) = pairing.peer.taken()
        assert (error.attr("type"), error.child("error").attr("code")) == ("error", "401")
        assert (pairing.end.kind, pairing.end.code, pairing.end.detail) == (
            EndKind.PAIRING_FAILED,
            401,
            "hmac-mismatch",
        )

    def test_a_second_pair_success_changes_nothing(self, pairing):
        self.scanned(pairing)
        assert self.scanned(pairing) == []

    def test_a_linked_connection_takes_no_pair_success(self, line):
        credentials = line.credentials
        identity = curve.public_of(credentials.identity_private)
        assert line.arrives(pair_device(REFS), Phone().pair_success(credentials.adv_secret, identity)) == []
        assert line.peer.taken() == []

    def test_confirming_what_did_not_happen_sends_nothing(self, pairing):
        pairing.peer.taken()
        pairing.connection.confirm_pairing(pairing.now)
        pairing.flush()
        assert pairing.peer.taken() == []

    def test_an_account_with_a_passkey_is_not_supported(self, pairing):
        pairing.arrives(Node("notification", {"from": SERVER_JID, "id": "1", "type": "passkey_prologue_request"}))
        assert (pairing.end.kind, pairing.end.reason) == (EndKind.PAIRING_FAILED, "passkey")

    def code_answered(self):
        stage = Node("link_code_companion_reg", {"stage": "primary_hello"})
        return Node("notification", {"from": SERVER_JID, "id": "5", "type": "link_code_companion_reg"}, [stage])

    def test_an_answered_code_is_acknowledged_and_passed_on(self, pairing):
        pairing.peer.taken()
        node = self.code_answered()
        assert pairing.arrives(node) == [CodeAnswered(node)]
        assert pairing.peer.taken()[0].attr("class") == "notification"

    def test_an_answered_code_that_leads_nowhere_ends_it(self, pairing):
        pairing.arrives(self.code_answered())
        self.keep_alive(pairing, 30)
        assert (pairing.end.kind, pairing.end.reason) == (EndKind.PAIRING_FAILED, "pairing")

    def test_a_new_secret_is_what_pair_success_is_judged_by(self, pairing):
        old = pairing.credentials
        pairing.connection.replace_adv_secret(dataclasses.replace(old, adv_secret=bytes(32)))
        identity = curve.public_of(old.identity_private)
        (signal,) = pairing.arrives(Phone().pair_success(bytes(32), identity))
        assert isinstance(signal, PairSuccess)
