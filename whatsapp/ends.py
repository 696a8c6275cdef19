"""Why a connection ended. Every end of every connection becomes exactly one `End`."""

import enum
from dataclasses import dataclass


class EndKind(enum.StrEnum):
    """What an end means for the account. The caller decides what to do; this says what is so."""

    TRANSIENT = "transient"  # line lost, time-out, 408, 428, 500, 503, HTTP 5xx on upgrade, DNS: try again
    RESTART = "restart"  # 515: reconnect at once with the same keys, not a failure
    NOT_SCANNED = "not_scanned"  # every QR ref was shown and none was scanned
    UNLINKED = "unlinked"  # 401, device_removed: the keys are worthless
    LOCKED = "locked"  # 403: the main device is gone or locked, the keys are worthless
    BANNED = "banned"  # 406: the keys are worthless
    TEMPORARY_BAN = "temporary_ban"  # 402: refused until `expires_in_s` is over, the keys stay good
    OUTDATED = "outdated"  # 405: this client's version is refused, for every account at once
    REPLACED = "replaced"  # 440: the same keys are connected elsewhere
    PAIRING_FAILED = "pairing_failed"  # pair-success did not verify, or the phone and we could not agree
    REFUSED = "refused"  # anything the server refuses that is not named above: stop, keep the keys
    CLOSED = "closed"  # we closed it


@dataclass(frozen=True, slots=True)
class End:
    """The cause of one connection's end.

    `code` is the number of the server (stream error, failure reason, HTTP status) or the one other clients use for
    the same thing (408 timed out, 428 connection closed, 440 replaced); None where there is none.
    `reason` is a short fixed word for logs and tests: "stream_error", "connect_timeout", "keepalive", "bad_frame", ...
    `network` says that the server was never reached or never answered: nothing was learned about this account.
    `expires_in_s` is set for TEMPORARY_BAN.
    """

    kind: EndKind
    code: int | None = None
    reason: str = ""
    network: bool = False
    expires_in_s: int | None = None
    detail: str = ""  # from the server, untrusted, at most 200 characters; never a key or a token

    @property
    def keys_worthless(self) -> bool:
        return self.kind in (EndKind.UNLINKED, EndKind.LOCKED, EndKind.BANNED)
