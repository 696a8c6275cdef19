"""Becoming a linked device by typing 8 characters into the phone (PROTOCOL.md §24).

The primitives serve both directions, so that a simulated phone can use them too; `CodePairing` is the device's side.
Each `wrap_key` and `unwrap_key` stretches the code with 131,072 rounds: tens of milliseconds, not for an event loop.
"""

import hashlib
import secrets
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from whatsapp.exceptions import PairingError, ProtocolError
from whatsapp.protocol import curve
from whatsapp.protocol.jid import PN_SERVER, SERVER_JID, Jid
from whatsapp.protocol.nodes import Node

ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTVWXYZ"
CODE_CHARACTERS: Final = 8
DISPLAY_NAME: Final = "Chrome (Linux)"  # the server insists on "Browser (OS)" with well-known names
_ROUNDS: Final = 131_072
_SALT, _IV, _NONCE = 32, 16, 12  # bytes
_WRAPPED: Final = _SALT + _IV + curve.KEY_BYTES
_SECRET_BYTES: Final = 32
_BUNDLE_INFO: Final = b"link_code_pairing_key_bundle_encryption_key"


def new_code() -> str:
    """8 characters, shown to people as XXXX-XXXX."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_CHARACTERS))


def wrap_key(code: str, public: bytes) -> bytes:
    """An ephemeral public key hidden under the code, 80 bytes."""
    salt, iv = secrets.token_bytes(_SALT), secrets.token_bytes(_IV)
    return salt + iv + _stretch_and_mask(code, salt, iv, public)


def unwrap_key(code: str, wrapped: bytes) -> bytes:
    """The key again; a wrong code gives a wrong key, nothing tells. Raises PairingError for a wrong length."""
    if len(wrapped) != _WRAPPED:
        raise PairingError("wrapped key of a wrong length", 500)
    salt, iv, masked = wrapped[:_SALT], wrapped[_SALT : _SALT + _IV], wrapped[_SALT + _IV :]
    return _stretch_and_mask(code, salt, iv, masked)


def _stretch_and_mask(code: str, salt: bytes, iv: bytes, data: bytes) -> bytes:
    key = hashlib.pbkdf2_hmac("sha256", code.encode(), salt, _ROUNDS, 32)
    return Cipher(AES(key), CTR(iv)).encryptor().update(data)


class Bundle(NamedTuple):
    """What the device tells the phone once both know the ephemeral secret: 32 bytes each."""

    companion_identity: bytes
    primary_identity: bytes
    random: bytes


def seal_bundle(ephemeral_secret: bytes, bundle: Bundle) -> bytes:
    salt, nonce = secrets.token_bytes(_SALT), secrets.token_bytes(_NONCE)
    return salt + nonce + AESGCM(_bundle_key(ephemeral_secret, salt)).encrypt(nonce, b"".join(bundle), None)


def open_bundle(ephemeral_secret: bytes, sealed: bytes) -> Bundle:
    """Raises PairingError: with a wrong code the two sides have different secrets, and it shows here."""
    salt, nonce, body = sealed[:_SALT], sealed[_SALT : _SALT + _NONCE], sealed[_SALT + _NONCE :]
    try:
        plain = AESGCM(_bundle_key(ephemeral_secret, salt)).decrypt(nonce, body, None)
    except (InvalidTag, ValueError):
        raise PairingError("key bundle does not open") from None
    if len(plain) != 3 * curve.KEY_BYTES:
        raise PairingError("key bundle of a wrong length", 500)
    return Bundle(plain[:32], plain[32:64], plain[64:])


def derive_adv_secret(ephemeral_secret: bytes, identity_secret: bytes, random: bytes) -> bytes:
    """The secret that takes the place of the QR's."""
    secret = ephemeral_secret + identity_secret + random
    return curve.hkdf(secret, salt=None, info=b"adv_secret", length=_SECRET_BYTES)


def _bundle_key(ephemeral_secret: bytes, salt: bytes) -> bytes:
    return curve.hkdf(ephemeral_secret, salt=salt, info=_BUNDLE_INFO, length=32)


class CodePairing:
    """One attempt, the device's side: `hello_node` -> `read_ref` -> the phone's notification -> `finish`."""

    __slots__ = ("_ephemeral_private", "_jid", "_ref", "code")

    def __init__(self, number: str) -> None:
        """`number` is in digits with its country code. Raises ValueError for anything else."""
        if not (number.isascii() and number.isdecimal() and 7 <= len(number) <= 15) or number.startswith("0"):
            raise ValueError("a number must be digits with a country code")
        self.code = new_code()  # what the person types into the phone; a secret while it is good
        self._jid = Jid(number, PN_SERVER)  # of the phone that is asked
        self._ephemeral_private = curve.new_private()  # for this attempt only
        self._ref = b""  # the server's name for this attempt

    def hello_node(self, noise_public: bytes) -> Node:
        """The query that rings the phone. Slow: it stretches the code."""
        wrapped = wrap_key(self.code, curve.public_of(self._ephemeral_private))
        attrs: dict[str, str | Jid] = {
            "jid": self._jid,
            "stage": "companion_hello",
            "should_show_push_notification": "true",
        }
        parts = [
            Node("link_code_pairing_wrapped_companion_ephemeral_pub", {}, wrapped),
            Node("companion_server_auth_key_pub", {}, noise_public),
            Node("companion_platform_id", {}, "1"),
            Node("companion_platform_display", {}, DISPLAY_NAME),
            Node("link_code_pairing_nonce", {}, b"\x00"),
        ]
        return _query(Node("link_code_companion_reg", attrs, parts))

    def read_ref(self, answer: Node) -> None:
        """Take the answer to the hello. Raises PairingError if it names no ref."""
        ref = answer.child("link_code_companion_reg", "link_code_pairing_ref")
        if ref is None or not ref.data:
            raise PairingError("no pairing ref in the answer", 500)
        self._ref = ref.data

    def finish(self, notification: Node, identity_private: bytes) -> tuple[Node, bytes]:
        """Take the phone's answer, give the closing query and the new adv_secret.

        You must give the secret to `Connection.replace_adv_secret` before you send the query: pair-success is
        authenticated with it. Slow: it stretches the code. Raises PairingError.
        """
        primary = _part(notification, "primary_identity_pub")
        if _part(notification, "link_code_pairing_ref") != self._ref or not self._ref:
            raise PairingError("pairing ref of another attempt")
        their_ephemeral = unwrap_key(self.code, _part(notification, "link_code_pairing_wrapped_primary_ephemeral_pub"))
        try:
            ephemeral_secret = curve.agree(self._ephemeral_private, their_ephemeral)
            identity_secret = curve.agree(identity_private, primary)
        except ProtocolError:
            raise PairingError("not a usable public key") from None
        identity = curve.public_of(identity_private)
        random = secrets.token_bytes(_SECRET_BYTES)
        parts = [
            Node(
                "link_code_pairing_wrapped_key_bundle",
                {},
                seal_bundle(ephemeral_secret, Bundle(identity, primary, random)),
            ),
            Node("companion_identity_public", {}, identity),
            Node("link_code_pairing_ref", {}, self._ref),
        ]
        attrs: dict[str, str | Jid] = {"jid": self._jid, "stage": "companion_finish"}
        closing = _query(Node("link_code_companion_reg", attrs, parts))
        return closing, derive_adv_secret(ephemeral_secret, identity_secret, random)


def _query(content: Node) -> Node:
    return Node("iq", {"to": SERVER_JID, "type": "set", "xmlns": "md"}, [content])


def _part(notification: Node, tag: str) -> bytes:
    part = notification.child("link_code_companion_reg", tag)
    if part is None:
        raise PairingError(f"no {tag} from the phone", 500)
    return part.data
