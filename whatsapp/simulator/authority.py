"""The certificates of the simulated server: good ones, and every bad one that a client must refuse (PROTOCOL.md §3)."""

import dataclasses
import hashlib
import secrets
import time
from typing import Final

from whatsapp.protocol import curve
from whatsapp.protocol.certificate import CertificateDetails, encode_chain
from whatsapp.protocol.protobufs.handshake_pb2 import CertChain
from whatsapp.simulator.exceptions import SimulatorError

# Named by what is wrong; the number is that of the check in PROTOCOL.md §3.
BAD_CERTIFICATES: Final = (
    "missing",  # 1: no intermediate
    "root",  # 2: the intermediate is signed by another root
    "issuer",  # 3: the intermediate names an issuer other than 0
    "leaf_signature",  # 4: the leaf is signed by another intermediate
    "leaf_issuer",  # 5: the leaf names another issuer
    "leaf_key",  # 6: the leaf is for another key than the one in the handshake
    "expired",  # 7
    "not_yet_valid",  # 7
    "nonsense",  # not even a protobuf
)
_DAY_S = 86_400


class Authority:
    """Root key, intermediate and leaf. The same `seed` gives the same root key: a restarted server is trusted again."""

    def __init__(self, seed: str | None = None) -> None:
        self._root_private = hashlib.sha256(seed.encode()).digest() if seed else curve.new_private()
        self.root_key = curve.public_of(self._root_private)  # what clients must trust
        self._intermediate_private = curve.new_private()
        self.static_private = curve.new_private()  # the server's side of every handshake
        now = int(time.time())
        self._intermediate = CertificateDetails(
            serial=7,
            issuer_serial=0,
            key=curve.public_of(self._intermediate_private),
            not_before=now - _DAY_S,
            not_after=now + 3650 * _DAY_S,
        )
        self._leaf = dataclasses.replace(
            self._intermediate, serial=8, issuer_serial=7, key=curve.public_of(self.static_private)
        )
        self.chain = self._encode()  # what an honest hello carries

    def bad_chain(self, which: str) -> bytes:
        """A chain that fails as `BAD_CERTIFICATES` says. Raises SimulatorError for another name."""
        now = int(time.time())
        match which:
            case "missing":
                chain = CertChain.FromString(self.chain)
                chain.ClearField("intermediate")
                return chain.SerializeToString()
            case "root":
                return self._encode(root=curve.new_private())
            case "issuer":
                return self._encode(intermediate=dataclasses.replace(self._intermediate, issuer_serial=3))
            case "leaf_signature":
                return self._encode(intermediate_private=curve.new_private())
            case "leaf_issuer":
                return self._encode(leaf=dataclasses.replace(self._leaf, issuer_serial=9))
            case "leaf_key":
                return self._encode(leaf=dataclasses.replace(self._leaf, key=curve.public_of(curve.new_private())))
            case "expired":
                return self._encode(leaf=dataclasses.replace(self._leaf, not_after=now - _DAY_S // 2))
            case "not_yet_valid":
                return self._encode(leaf=dataclasses.replace(self._leaf, not_before=now + _DAY_S))
            case "nonsense":
                return b"\xff" + secrets.token_bytes(200)
        raise SimulatorError(f"no bad certificate is called {which!r}; there are {', '.join(BAD_CERTIFICATES)}")

    def _encode(
        self,
        *,
        root: bytes | None = None,
        intermediate: CertificateDetails | None = None,
        intermediate_private: bytes | None = None,
        leaf: CertificateDetails | None = None,
    ) -> bytes:
        return encode_chain(
            intermediate=intermediate or self._intermediate,
            root_private=root or self._root_private,
            leaf=leaf or self._leaf,
            intermediate_private=intermediate_private or self._intermediate_private,
        )
