"""Messages of one address: plaintext to bytes and back (PROTOCOL.md §15). Plaintexts are already padded."""

from typing import Final, NamedTuple

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from whatsapp.credentials import PreKey
from whatsapp.exceptions import BadMacError, MalformedMessageError, NoSessionError, SignalError
from whatsapp.protocol.signal import ratchet, x3dh
from whatsapp.protocol.signal.records import Record, Session
from whatsapp.protocol.signal.wire import PreKeyMessage, SignalMessage, encode_message
from whatsapp.protocol.signal.x3dh import LocalKeys

MESSAGE: Final = "msg"
PRE_KEY_MESSAGE: Final = "pkmsg"
_AES_BLOCK_BITS: Final = 128
_MAX_STEPS: Final = 2 * ratchet.MAX_AHEAD  # for one message, in all sessions that it may be for: some 20 ms


class Encrypted(NamedTuple):
    """You must store `record` before `data` leaves."""

    record: Record
    kind: str  # MESSAGE or PRE_KEY_MESSAGE: the `type` of `<enc>`
    data: bytes


class Decrypted(NamedTuple):
    """You must store `record`, and remove the used pre-key, before the message is acknowledged."""

    record: Record
    plaintext: bytes
    used_pre_key_id: int | None
    is_new_session: bool
    is_new_identity: bool  # the peer has other keys than before: it was installed anew, or it is somebody else


def encrypt(record: Record, plaintext: bytes, local: LocalKeys) -> Encrypted:
    """Encrypt for the session in use. Raises NoSessionError if there is none: get a bundle, `x3dh.initiate`."""
    session = record.current
    if session is None:
        raise NoSessionError("no session in use")
    after, keys = ratchet.send(session)
    data = encode_message(
        ratchet_key=session.ratchet_public,
        counter=session.next_counter,
        previous_counter=session.previous_counter,
        ciphertext=_encrypt(keys, plaintext),
        mac_key=keys.mac_key,
        sender=local.identity.public,
        receiver=session.identity,
    )
    kind, pending = MESSAGE, session.pending
    if pending is not None:
        kind = PRE_KEY_MESSAGE
        data = PreKeyMessage(
            registration_id=local.registration_id,
            pre_key_id=pending.pre_key_id,
            signed_pre_key_id=pending.signed_pre_key_id,
            base_key=pending.base_key,
            identity=local.identity.public,
            message=data,
        ).encode()
    return Encrypted(record.with_current(after), kind, data)


def wanted_pre_key(record: Record | None, data: bytes) -> int | None:
    """The id of the one-time pre-key that `decrypt` will need for this `pkmsg`; None if it needs none.

    Raises MalformedMessageError.
    """
    message = PreKeyMessage.decode(data)
    return message.pre_key_id if _known(record, message) is None else None


def decrypt(
    record: Record | None, kind: str, data: bytes, local: LocalKeys, pre_key: PreKey | None = None
) -> Decrypted:
    """Decrypt one `<enc>`. `pre_key`: the one that `wanted_pre_key` named, if the store has it.

    Raises OldCounterError, NoSessionError, UnknownPreKeyError, BadMacError, TooFarAheadError and
    MalformedMessageError; the record then stays as it is, and so does the pre-key.
    """
    if kind == MESSAGE:
        return _decrypt_message(record, data, local)
    if kind != PRE_KEY_MESSAGE:
        raise MalformedMessageError("another kind of message")
    outer = PreKeyMessage.decode(data)
    message = SignalMessage.decode(outer.message)
    known = _known(record, outer)
    if known is not None and record is not None:
        place, session = known
        session, plaintext = _open(session, message, local)
        return Decrypted(_went_on(record, place, session), plaintext, None, False, False)
    session, plaintext = _open(x3dh.respond(outer, local, pre_key), message, local)
    if record is None:
        return Decrypted(Record(session.identity, session), plaintext, outer.pre_key_id, True, False)
    is_new_identity = session.identity != record.identity
    return Decrypted(record.begun(session), plaintext, outer.pre_key_id, True, is_new_identity)


def _decrypt_message(record: Record | None, data: bytes, local: LocalKeys) -> Decrypted:
    message = SignalMessage.decode(data)
    error: SignalError = NoSessionError("no session")
    # With a ratchet key that is new it may be for any session. Only work tells, and strangers can ask for that.
    tries = max(1, _MAX_STEPS // (1 + message.counter))
    for place, session in () if record is None else record.sessions():
        is_for_it = ratchet.chain_of(session, message.ratchet_key) is not None
        if not is_for_it:
            if not tries:
                continue
            tries -= 1
        try:
            after, plaintext = _open(session, message, local)
        except SignalError as raised:
            if is_for_it:
                raise
            error = raised  # the same from all of them: they differ in their keys, not in how far ahead it is
            continue
        assert record is not None
        return Decrypted(_went_on(record, place, after), plaintext, None, False, False)
    raise error


def _went_on(record: Record, place: int, session: Session) -> Record:
    return record.with_current(session) if place < 0 else record.with_archived(place, session)


def _known(record: Record | None, message: PreKeyMessage) -> tuple[int, Session] | None:
    """The session that the peer began with this very base key."""
    for place, session in () if record is None else record.sessions():
        if session.base_key == message.base_key and session.identity == message.identity:
            return place, session
    return None


def _open(session: Session, message: SignalMessage, local: LocalKeys) -> tuple[Session, bytes]:
    found = ratchet.find(session, message.ratchet_key, message.counter)
    if not message.verify(found.keys.mac_key, sender=session.identity, receiver=local.identity.public):
        raise BadMacError("no session opens it")
    plaintext = _decrypt(found.keys, message.ciphertext)
    return ratchet.accept(session, found), plaintext


def _encrypt(keys: ratchet.MessageKeys, plaintext: bytes) -> bytes:
    padder = PKCS7(_AES_BLOCK_BITS).padder()
    encryptor = Cipher(AES(keys.cipher_key), CBC(keys.iv)).encryptor()
    return encryptor.update(padder.update(plaintext) + padder.finalize()) + encryptor.finalize()


def _decrypt(keys: ratchet.MessageKeys, ciphertext: bytes) -> bytes:
    decryptor = Cipher(AES(keys.cipher_key), CBC(keys.iv)).decryptor()
    unpadder = PKCS7(_AES_BLOCK_BITS).unpadder()
    try:
        return unpadder.update(decryptor.update(ciphertext) + decryptor.finalize()) + unpadder.finalize()
    except ValueError:
        raise MalformedMessageError("authentic, but not decryptable") from None
