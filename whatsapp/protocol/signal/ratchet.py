"""The double ratchet: which keys a message has.

A receiving chain is opened without touching the session (`find`), and taken into it only when the message proved to
be right (`accept`): what somebody made up costs time and changes nothing.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from whatsapp.exceptions import MalformedMessageError, OldCounterError, ProtocolError, TooFarAheadError
from whatsapp.protocol import curve
from whatsapp.protocol.signal.records import ReceivingChain, Session

MAX_AHEAD: Final = 2000  # messages made up for in one step
MAX_SKIPPED: Final = 2000  # keys kept for late messages, in all chains of a session together
MAX_OLD_CHAINS: Final = 5
_MESSAGE_SEED: Final = b"\x01"
_CHAIN_SEED: Final = b"\x02"
_NO_SALT: Final = bytes(32)


class MessageKeys(NamedTuple):
    """What one message is encrypted and authenticated with."""

    cipher_key: bytes
    mac_key: bytes
    iv: bytes


@dataclass(frozen=True, slots=True)
class Found:
    """The keys of a message, and the chain as it is after it."""

    keys: MessageKeys
    chain: ReceivingChain
    root_key: bytes | None  # the session's after the chain was opened; None if the chain is an old one


def message_keys(seed: bytes) -> MessageKeys:
    derived = curve.hkdf(seed, salt=_NO_SALT, info=b"WhisperMessageKeys", length=80)
    return MessageKeys(derived[:32], derived[32:64], derived[64:])


def turn(root_key: bytes, secret: bytes) -> tuple[bytes, bytes]:
    """The next root key and a chain key, from a secret that both sides agreed on."""
    derived = curve.hkdf(secret, salt=root_key, info=b"WhisperRatchet", length=64)
    return derived[:32], derived[32:]


def send(session: Session) -> tuple[Session, MessageKeys]:
    """The keys of the next message to send; its counter is `session.next_counter` of before."""
    keys = message_keys(_hmac(session.sending_key, _MESSAGE_SEED))
    sending_key = _hmac(session.sending_key, _CHAIN_SEED)
    return replace(session, sending_key=sending_key, next_counter=session.next_counter + 1), keys


def chain_of(session: Session, ratchet_key: bytes) -> ReceivingChain | None:
    """The chain of a ratchet key that the peer used before."""
    for chain in reversed(session.receiving):
        if chain.ratchet_key == ratchet_key:
            return chain
    return None


def find(session: Session, ratchet_key: bytes, counter: int) -> Found:
    """The keys of a received message. The session is as it was; `accept` goes on with what this gives.

    Raises OldCounterError, TooFarAheadError, and MalformedMessageError for a ratchet key that is no key.
    """
    chain = chain_of(session, ratchet_key)
    if chain is not None:
        return _in_chain(chain, counter, None)
    try:
        secret = curve.agree(session.ratchet_private, ratchet_key)
    except ProtocolError:
        raise MalformedMessageError("not a usable ratchet key") from None
    root_key, chain_key = turn(session.root_key, secret)
    return _in_chain(ReceivingChain(ratchet_key, chain_key, 0, {}), counter, root_key)


def accept(session: Session, found: Found) -> Session:
    """The session after a message that proved to be right."""
    if found.root_key is None:
        chains = tuple(
            found.chain if chain.ratchet_key == found.chain.ratchet_key else chain for chain in session.receiving
        )
        if found.chain.skipped:
            chains = _forget_oldest(chains)
        return replace(session, receiving=chains, pending=None)
    ratchet_private = curve.new_private()
    pair = curve.KeyPair(ratchet_private)
    root_key, sending_key = turn(found.root_key, pair.agree(found.chain.ratchet_key))
    return replace(
        session,
        root_key=root_key,
        ratchet_private=ratchet_private,
        ratchet_public=pair.public,
        sending_key=sending_key,
        next_counter=0,
        # The index of its last message, where the paper counts its messages.
        previous_counter=max(0, session.next_counter - 1),
        receiving=_forget_oldest((*session.receiving, found.chain)[-1 - MAX_OLD_CHAINS :]),
        pending=None,
    )


def _in_chain(chain: ReceivingChain, counter: int, root_key: bytes | None) -> Found:
    skipped: Mapping[int, bytes]
    if counter < chain.next_counter:
        seed = chain.skipped.get(counter)
        if seed is None:
            raise OldCounterError("decrypted before")
        skipped = {other: key for other, key in chain.skipped.items() if other != counter}
        return Found(message_keys(seed), replace(chain, skipped=skipped), root_key)
    if counter - chain.next_counter > MAX_AHEAD:
        raise TooFarAheadError(f"{counter - chain.next_counter} messages are missing")
    key, skipped = chain.chain_key, chain.skipped
    if counter > chain.next_counter:
        more = {}
        for missing in range(chain.next_counter, counter):
            more[missing] = _hmac(key, _MESSAGE_SEED)
            key = _hmac(key, _CHAIN_SEED)
        skipped = {**skipped, **more}
    after = ReceivingChain(chain.ratchet_key, _hmac(key, _CHAIN_SEED), counter + 1, skipped)
    return Found(message_keys(_hmac(key, _MESSAGE_SEED)), after, root_key)


def _forget_oldest(chains: tuple[ReceivingChain, ...]) -> tuple[ReceivingChain, ...]:
    """Keep the newest MAX_SKIPPED keys: those of newer chains first, of higher counters first."""
    room = MAX_SKIPPED
    kept = []
    for chain in reversed(chains):
        if len(chain.skipped) > room:
            newest = list(chain.skipped.items())[len(chain.skipped) - room :]
            chain = replace(chain, skipped=dict(newest))
        room -= len(chain.skipped)
        kept.append(chain)
    return tuple(reversed(kept))


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, hashlib.sha256)
