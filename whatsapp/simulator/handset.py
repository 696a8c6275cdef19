"""The Signal side of a simulated phone: its sessions with other devices, and its one-time pre-keys (PROTOCOL.md §15).

Addresses are (number, device): a phone knows who is behind a LID.
"""

from typing import NamedTuple

from whatsapp.protocol.signal import cipher, x3dh
from whatsapp.protocol.signal.records import Record
from whatsapp.protocol.signal.x3dh import Bundle
from whatsapp.simulator.accounts import Account
from whatsapp.simulator.key_sets import KeySet, key_set, one_time_key, one_time_public


class Address(NamedTuple):
    number: str
    device: int


class Handset:
    """What a phone keeps for its messages. Nothing is made before it is needed."""

    __slots__ = ("_account", "_sessions", "_used", "next_key_id", "pre_keys_left")

    def __init__(self, account: Account) -> None:
        self._account = account
        self._sessions: dict[Address, Record] = {}
        self._used: set[int] = set()  # ids of one-time keys that a message used
        self.next_key_id = 1  # what the server gives out next
        self.pre_keys_left: int | None = None  # at the server; None: phones see to it that there are always some

    @property
    def keys(self) -> KeySet:
        return key_set(self._account.account_private)

    def bundle(self) -> Bundle:
        """What the server gives to somebody who wants to write; takes a one-time key if there is one."""
        keys = self.keys
        key_id = None
        if self.pre_keys_left is None or self.pre_keys_left > 0:
            key_id = self.next_key_id
            self.next_key_id += 1
            if self.pre_keys_left:
                self.pre_keys_left -= 1
        return Bundle(
            registration_id=keys.local.registration_id,
            identity=keys.local.identity.public,
            signed_pre_key_id=keys.signed_key.key_id,
            signed_pre_key=keys.signed_key.public,
            signature=keys.signed_key.signature,
            pre_key_id=key_id,
            pre_key=None if key_id is None else one_time_public(self._account.account_private, key_id),
        )

    def has_session(self, address: Address) -> bool:
        record = self._sessions.get(address)
        return record is not None and record.current is not None

    def forget_sessions(self) -> None:
        """As a phone does that was installed anew, its keys restored."""
        self._sessions.clear()

    def begin(self, address: Address, bundle: Bundle) -> None:
        """Start a session. Raises BundleError."""
        bundle.verify(is_companion=address.device != 0)
        self._sessions[address] = x3dh.initiate(self._sessions.get(address), bundle, self.keys.local)

    def encrypt(self, address: Address, padded: bytes) -> tuple[str, bytes]:
        """The type and content of an `<enc>`. Raises NoSessionError."""
        record = self._sessions.get(address)
        encrypted = cipher.encrypt(record or Record(b"", None), padded, self.keys.local)
        self._sessions[address] = encrypted.record
        return encrypted.kind, encrypted.data

    def decrypt(self, address: Address, kind: str, data: bytes) -> bytes:
        """The padded plaintext. Raises SignalError; then nothing has changed."""
        record, pre_key = self._sessions.get(address), None
        if kind == cipher.PRE_KEY_MESSAGE:
            wanted = cipher.wanted_pre_key(record, data)
            if wanted is not None and 0 < wanted < self.next_key_id and wanted not in self._used:
                pre_key = one_time_key(self._account.account_private, wanted)
        decrypted = cipher.decrypt(record, kind, data, self.keys.local, pre_key)
        self._sessions[address] = decrypted.record
        if decrypted.used_pre_key_id is not None:
            self._used.add(decrypted.used_pre_key_id)
        return decrypted.plaintext
