"""A device with its keys, as the tests of Signal need one."""

from whatsapp.credentials import PreKey
from whatsapp.exceptions import SignalError
from whatsapp.protocol import curve, xeddsa
from whatsapp.protocol.signal import cipher, x3dh
from whatsapp.protocol.signal.cipher import Decrypted
from whatsapp.protocol.signal.records import Record
from whatsapp.protocol.signal.x3dh import Bundle, LocalKeys

Message = tuple[str, bytes]


class Party:
    """One device that talks to one other; its record goes through its written form after every step."""

    def __init__(self, *, pre_keys: int = 3) -> None:
        self.registration_id = 1234
        self.signed_pre_key = PreKey(1, curve.new_private())
        self.pre_keys = {key_id: PreKey(key_id, curve.new_private()) for key_id in range(1, pre_keys + 1)}
        self.reinstall()
        self.record: Record | None = None

    def reinstall(self) -> None:
        """From now on it has another identity, and knows nobody."""
        self.identity_private = curve.new_private()
        signed = {self.signed_pre_key.key_id: self.signed_pre_key.private}
        self.local = LocalKeys(self.identity_private, self.registration_id, signed)
        self.record = None

    def bundle(self, key_id: int | None = 1) -> Bundle:
        public = curve.public_of(self.signed_pre_key.private)
        return Bundle(
            registration_id=self.registration_id,
            identity=self.local.identity.public,
            signed_pre_key_id=self.signed_pre_key.key_id,
            signed_pre_key=public,
            signature=xeddsa.sign(self.identity_private, curve.KEY_TYPE + public),
            pre_key_id=key_id,
            pre_key=None if key_id is None else curve.public_of(self.pre_keys[key_id].private),
        )

    def begin(self, bundle: Bundle) -> None:
        self._keep(x3dh.initiate(self.record, bundle, self.local))

    def encrypt(self, plaintext: bytes) -> Message:
        assert self.record is not None
        record, kind, data = cipher.encrypt(self.record, plaintext, self.local)
        self._keep(record)
        return kind, data

    def take(self, message: Message) -> Decrypted:
        """Decrypt, keep the new record, and forget the pre-key that was used. A failure must change nothing."""
        kind, data = message
        before = None if self.record is None else self.record.encode()
        try:
            wanted = cipher.wanted_pre_key(self.record, data) if kind == cipher.PRE_KEY_MESSAGE else None
            decrypted = cipher.decrypt(self.record, kind, data, self.local, self.pre_keys.get(wanted or 0))
        except SignalError:
            assert before == (None if self.record is None else self.record.encode())
            raise
        assert wanted == decrypted.used_pre_key_id
        if wanted is not None:
            del self.pre_keys[wanted]
        self._keep(decrypted.record)
        return decrypted

    def decrypt(self, message: Message) -> bytes:
        return self.take(message).plaintext

    def _keep(self, record: Record) -> None:
        self.record = Record.decode(record.encode())
        assert self.record == record


def pair() -> tuple[Party, Party]:
    """Two that have talked already: neither waits for the other's first answer."""
    ours, theirs = Party(), Party()
    ours.begin(theirs.bundle())
    theirs.decrypt(ours.encrypt(b"hello"))
    ours.decrypt(theirs.encrypt(b"hello"))
    return ours, theirs
