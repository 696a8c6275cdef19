"""A connection that has no phone yet: the refs to show, and the keys that they stand for (PROTOCOL.md §7)."""

import math
from collections.abc import Sequence

from whatsapp.credentials import Credentials
from whatsapp.events import QrCode
from whatsapp.protocol.nodes import Node
from whatsapp.protocol.pairing import PairSuccess, qr_text, refs_of


class Linking:
    """Exists only while pairing."""

    __slots__ = ("_first_s", "_next_s", "_refs", "_shown", "credentials", "next_at", "success")

    def __init__(self, credentials: Credentials, *, first_s: float, next_s: float) -> None:
        self.credentials = credentials  # what the QR vouches for; a pairing code changes its adv_secret
        self._first_s = first_s  # how long the first ref is shown
        self._next_s = next_s  # how long each further one is
        self._refs: Sequence[str] = ()  # all that the server sent
        self._shown = 0  # how many of them were shown
        self.next_at = math.inf  # when the ref on show is over
        self.success: PairSuccess | None = None  # verified, perhaps not confirmed yet

    def take_refs(self, pair_device: Node) -> None:
        """New refs from the server take the place of all older ones."""
        self._refs = refs_of(pair_device)
        self._shown = 0

    def next_code(self, now: float) -> QrCode | None:
        """The next QR to show, or None when every ref was shown."""
        if self._shown >= len(self._refs):
            self.next_at = math.inf
            return None
        valid_s = self._next_s if self._shown else self._first_s
        text = qr_text(self._refs[self._shown], self.credentials)
        self._shown += 1
        self.next_at = now + valid_s
        return QrCode(text, valid_s, is_last=self._shown == len(self._refs))

    def stop_showing(self) -> None:
        """A phone answered: no further QR is due."""
        self.next_at = math.inf
