"""What can go wrong on the wire, as exceptions.

    WhatsAppError
     +-- ProtocolError            the other side broke the protocol: this connection is over, nothing else is
     |    +-- FrameError          a frame too long, or one that does not open with the transport keys
     |    +-- NodeError           bytes that are not a node: wrong tag, cut short, too deep, too large when inflated
     |    +-- HandshakeError      the Noise handshake does not go through
     |    |    +-- CertificateError   the server's certificate fails one of the seven checks
     |    +-- PairingError        pair-success or a pairing code does not verify; `code` is what we answer the server
     +-- QueryError               the server answered a query with an error; `code` is the server's
     +-- NotConnectedError        there is no connection to do this on, or it ended before the answer came
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


class QueryError(WhatsAppError):
    """The server answered a query with an error."""

    def __init__(self, code: int | None, text: str = "") -> None:
        super().__init__(f"{code} {text[:200]}".strip())
        self.code = code
        self.text = text[:200]


class NotConnectedError(WhatsAppError):
    """There is no connection to do this on, or it ended before the answer came."""


class StoreError(WhatsAppError):
    """The caller's store raised."""
