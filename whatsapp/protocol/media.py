"""Files as they lie on WhatsApp's servers: encrypted under a key that travels in the message (PROTOCOL.md §23)."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from whatsapp.exceptions import MediaError
from whatsapp.protocol import curve

MEDIA_KEY_BYTES: Final = 32
_MAC_BYTES: Final = 10
_AES_BLOCK_BITS: Final = 128


class MediaKind(StrEnum):
    """What a file is sent as. The value is its word in upload paths and in `mediatype`."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    DOCUMENT = "document"


class MediaKeys(NamedTuple):
    """What a media key stands for."""

    iv: bytes
    cipher_key: bytes
    mac_key: bytes


@dataclass(frozen=True, slots=True)
class EncryptedMedia:
    """A file ready to be uploaded: `body` is what goes to the server, the rest goes into messages."""

    kind: MediaKind
    body: bytes = field(repr=False)
    media_key: bytes = field(repr=False)
    file_sha256: bytes
    file_enc_sha256: bytes
    file_length: int  # of the plain file

    @property
    def token(self) -> str:
        return upload_token(self.file_enc_sha256)

    @property
    def upload_path(self) -> str:
        """The path to POST `body` to; `?auth={auth}&token={token}` (URL-encoded) goes behind it."""
        return f"/mms/{self.kind}/{self.token}"

    def uploaded(self, *, url: str, direct_path: str, at: int) -> "UploadedMedia":
        """What the server said about the upload. `at`: Unix time in seconds."""
        return UploadedMedia(
            self.kind,
            url,
            direct_path,
            self.media_key,
            self.file_sha256,
            self.file_enc_sha256,
            self.file_length,
            at,
        )


@dataclass(frozen=True, slots=True)
class UploadedMedia:
    """A file that lies on WhatsApp's servers: all that a message says about it. One upload serves many messages."""

    kind: MediaKind
    url: str
    direct_path: str
    media_key: bytes = field(repr=False)
    file_sha256: bytes
    file_enc_sha256: bytes
    file_length: int
    media_key_timestamp: int  # Unix time in seconds


def media_keys(media_key: bytes, kind: MediaKind) -> MediaKeys:
    derived = curve.hkdf(media_key, salt=None, info=f"WhatsApp {kind.value.title()} Keys".encode(), length=112)
    return MediaKeys(derived[:16], derived[16:48], derived[48:80])


def encrypt(data: bytes, kind: MediaKind, media_key: bytes | None = None) -> EncryptedMedia:
    """Encrypt a whole file, under a fresh key unless one is given."""
    if media_key is None:
        media_key = secrets.token_bytes(MEDIA_KEY_BYTES)
    keys = media_keys(media_key, kind)
    padder = PKCS7(_AES_BLOCK_BITS).padder()
    encryptor = Cipher(AES(keys.cipher_key), CBC(keys.iv)).encryptor()
    ciphertext = encryptor.update(padder.update(data)) + encryptor.update(padder.finalize()) + encryptor.finalize()
    body = ciphertext + _mac(keys, ciphertext)
    return EncryptedMedia(kind, body, media_key, _sha256(data), _sha256(body), len(data))


def decrypt(
    body: bytes,
    kind: MediaKind,
    media_key: bytes,
    *,
    file_sha256: bytes | None = None,
    file_enc_sha256: bytes | None = None,
) -> bytes:
    """The plain file. Hashes that are given are checked; the MAC always is. Raises MediaError."""
    if file_enc_sha256 is not None and not hmac.compare_digest(_sha256(body), file_enc_sha256):
        raise MediaError("not the file that was uploaded")
    keys = media_keys(media_key, kind)
    ciphertext, mac = body[:-_MAC_BYTES], body[-_MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(keys, ciphertext)):
        raise MediaError("the MAC does not verify")
    decryptor = Cipher(AES(keys.cipher_key), CBC(keys.iv)).decryptor()
    unpadder = PKCS7(_AES_BLOCK_BITS).unpadder()
    try:
        data = unpadder.update(decryptor.update(ciphertext) + decryptor.finalize()) + unpadder.finalize()
    except ValueError:
        raise MediaError("authentic, but not decryptable") from None
    if file_sha256 is not None and not hmac.compare_digest(_sha256(data), file_sha256):
        raise MediaError("not the file that was sent")
    return data


def upload_token(file_enc_sha256: bytes) -> str:
    """The name of an upload, in its path and its query."""
    return base64.urlsafe_b64encode(file_enc_sha256).decode()


def _mac(keys: MediaKeys, ciphertext: bytes) -> bytes:
    return hmac.digest(keys.mac_key, keys.iv + ciphertext, hashlib.sha256)[:_MAC_BYTES]


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
