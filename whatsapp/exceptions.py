"""What can go wrong on the wire, as exceptions.

    WhatsAppError
     +-- ProtocolError            the other side broke the protocol: this connection is over, nothing else is
     |    +-- FrameError          a frame too long, or one that does not open with the transport keys
     |    +-- NodeError           bytes that are not a node: wrong tag, cut short, too deep, too large when inflated
     |    +-- HandshakeError      the Noise handshake does not go through
     |    |    +-- CertificateError   the server's certificate fails one of the seven checks
     |    +-- PairingError        pair-success or a pairing code does not verify; `code` is what we answer the server
     +-- SignalError              one message, bundle or record is of no use; the connection goes on (PROTOCOL.md §15)
     |    +-- OldCounterError     it was decrypted before: ack it, ask for nothing
     |    +-- NoSessionError      there is no session with that address
     |    +-- UnknownPreKeyError  it was encrypted for a pre-key that is not here (any more)
     |    +-- BadMacError         no session opens it, or somebody changed it
     |    +-- TooFarAheadError    more messages are missing before it than we make up for
     |    +-- MalformedMessageError  bytes that are no message
     |    +-- BundleError         a bundle of keys whose signatures do not verify
     |    +-- RecordError         a stored record that cannot be read
     +-- MediaError               a file that does not verify against its keys and hashes
     +-- QueryError               the server answered a query with an error; `code` is the server's
     +-- NotConnectedError        there is no connection to do this on, or it ended before the answer came
     +-- SendRefusedError         the server refused a message; `code` is the server's
     +-- NotOnWhatsAppError       nobody has that number
     +-- UploadError              no media server took a file
     +-- StoreError               the caller's store raised; never leaves this package

Nothing else comes out of `whatsapp.protocol`, whatever bytes go in. `Client.run` raises none of them, it returns an
`End`. `Client.query` and its like raise `QueryError`, `NotConnectedError` and `TimeoutError`.
"""


class WhatsAppError(Exception):
    """The root of the tree above."""


class ProtocolError(WhatsAppError):
    """The other side broke the protocol."""


class FrameError(ProtocolError):
    """A frame that is too long or does not open."""


class NodeError(ProtocolError):
    """Bytes that are not a node."""


class HandshakeError(ProtocolError):
    """The Noise handshake does not go through."""


class CertificateError(HandshakeError):
    """The server's certificate fails one of the checks of `protocol.certificate`."""


class PairingError(ProtocolError):
    """Pairing does not verify. `code` is the number for the error stanza: 401 for a mismatch, 500 for nonsense."""

    def __init__(self, message: str, code: int = 401) -> None:
        super().__init__(message)
        self.code = code


class SignalError(WhatsAppError):
    """One message, bundle or record is of no use. Nothing was changed by trying it.

    `wants_retry`: whether the sender is to be asked for the message once more, by a retry receipt.
    """

    wants_retry = True


class OldCounterError(SignalError):
    """The message was decrypted before, or is older than what we keep keys for."""

    wants_retry = False


class NoSessionError(SignalError):
    """There is no session to encrypt or decrypt with."""


class UnknownPreKeyError(SignalError):
    """The message was encrypted for the pre-key `key_id`, which is not here."""

    def __init__(self, key_id: int, *, is_signed: bool = False) -> None:
        super().__init__(f"no {'signed ' if is_signed else ''}pre-key {key_id}")
        self.key_id = key_id
        self.is_signed = is_signed


class BadMacError(SignalError):
    """No session opens the message: it is for one that we do not have, or somebody changed it."""


class TooFarAheadError(SignalError):
    """More messages are missing before this one than keys are made up for."""


class MalformedMessageError(SignalError):
    """Bytes that are no message."""


class BundleError(SignalError):
    """A bundle of keys that does not verify: no session is begun with it."""

    wants_retry = False


class RecordError(SignalError):
    """A stored record that cannot be read. Treat it as none."""


class MediaError(WhatsAppError):
    """A file that does not verify against its keys and hashes."""


class QueryError(WhatsAppError):
    """The server answered a query with an error."""

    def __init__(self, code: int | None, text: str = "") -> None:
        super().__init__(f"{code} {text[:200]}".strip())
        self.code = code
        self.text = text[:200]


class NotConnectedError(WhatsAppError):
    """There is no connection to do this on, or it ended before the answer came.

    `was_sent`: whether it had been written before, so that the server may have acted on it.
    """

    def __init__(self, message: str = "", *, was_sent: bool = False) -> None:
        super().__init__(message)
        self.was_sent = was_sent


class SendRefusedError(WhatsAppError):
    """The server refused a message; it was delivered to nobody. `code`: 463 is an account that may not write to
    strangers, 479 a list of devices that is out of date or a malformed message (PROTOCOL.md §16, §22).
    """

    def __init__(self, code: int) -> None:
        super().__init__(f"refused with {code}")
        self.code = code


class NotOnWhatsAppError(WhatsAppError):
    """Nobody has that number. Nothing was sent."""


class UploadError(WhatsAppError):
    """No media server took a file. `status`: the last HTTP status, None if none answered."""

    def __init__(self, status: int | None) -> None:
        super().__init__(f"HTTP {status}" if status else "no answer")
        self.status = status


class StoreError(WhatsAppError):
    """The caller's store raised."""
