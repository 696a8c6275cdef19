"""The server's certificate: two links, root -> intermediate -> leaf, checked in full (PROTOCOL.md §3).

1. both links are there, with details and 64-byte signatures
2. the root key signed the intermediate
3. the intermediate says issuer 0 and carries a 32-byte key
4. the intermediate signed the leaf
5. the leaf says the intermediate issued it
6. the leaf's key is the key that the server used in the handshake
7. both are valid now
"""

import functools
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import DecodeError

from whatsapp.exceptions import CertificateError
from whatsapp.protocol import curve, xeddsa
from whatsapp.protocol.protobufs.handshake_pb2 import CertChain, NoiseCertificate

WHATSAPP_ROOT_KEY: Final = bytes.fromhex("142375574d0a587166aae71ebe516437c4a28b73e3695c6ce1f7f9545da8ee6b")
_ROOT_SERIAL: Final = 0


def verify_chain(chain: bytes, *, server_static: bytes, root_key: bytes, now: float) -> None:
    """Check the serialized CertChain that came sealed in the server's hello.

    `server_static` is the key of the handshake, `now` is in seconds since 1970. Raises CertificateError, which names
    the check that failed.
    """
    try:
        certificates = CertChain.FromString(chain)
    except DecodeError:
        raise CertificateError("1: not a certificate chain") from None
    leaf, intermediate = certificates.leaf, certificates.intermediate
    for name, link in (("leaf", leaf), ("intermediate", intermediate)):
        if not link.details or len(link.signature) != xeddsa.SIGNATURE_BYTES:
            raise CertificateError(f"1: {name} without details or signature")

    if not _is_signed(root_key, intermediate.details, intermediate.signature):
        raise CertificateError("2: intermediate not signed by the root")
    issuer = _details("3: intermediate", intermediate.details)
    if issuer.issuer_serial != _ROOT_SERIAL or len(issuer.key) != curve.KEY_BYTES:
        raise CertificateError("3: intermediate of another issuer or without a key")

    if not _is_signed(issuer.key, leaf.details, leaf.signature):
        raise CertificateError("4: leaf not signed by the intermediate")
    subject = _details("5: leaf", leaf.details)
    if subject.issuer_serial != issuer.serial:
        raise CertificateError("5: leaf of another issuer")
    if subject.key != server_static:
        raise CertificateError("6: leaf for another key")

    for name, details in (("leaf", subject), ("intermediate", issuer)):
        if not details.not_before <= now <= details.not_after:
            raise CertificateError(f"7: {name} not valid now")


@dataclass(frozen=True, slots=True)
class CertificateDetails:
    """What one link says. Times in seconds since 1970."""

    serial: int
    issuer_serial: int
    key: bytes
    not_before: int
    not_after: int


def encode_chain(
    *, intermediate: CertificateDetails, root_private: bytes, leaf: CertificateDetails, intermediate_private: bytes
) -> bytes:
    """A serialized CertChain signed as told, for a server to seal into its hello. It checks nothing."""
    chain = CertChain(leaf=_signed(leaf, intermediate_private), intermediate=_signed(intermediate, root_private))
    return chain.SerializeToString()


def _signed(details: CertificateDetails, issuer_private: bytes) -> NoiseCertificate:
    raw = NoiseCertificate.Details(
        serial=details.serial,
        issuer_serial=details.issuer_serial,
        key=details.key,
        not_before=details.not_before,
        not_after=details.not_after,
    ).SerializeToString()
    return NoiseCertificate(details=raw, signature=xeddsa.sign(issuer_private, raw))


@functools.lru_cache(maxsize=32)
def _is_signed(public: bytes, details: bytes, signature: bytes) -> bool:
    """Remembered, since every hello carries the same few links and this is the dearest part of a login."""
    return xeddsa.verify(public, details, signature)


def _details(check: str, raw: bytes) -> NoiseCertificate.Details:
    try:
        return NoiseCertificate.Details.FromString(raw)
    except DecodeError:
        raise CertificateError(f"{check} details are unreadable") from None
