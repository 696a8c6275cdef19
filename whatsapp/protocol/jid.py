"""Addresses: `user[_agent][:device]@server` (PROTOCOL.md §6)."""

from typing import Final, NamedTuple

from whatsapp.exceptions import NodeError

PN_SERVER: Final = "s.whatsapp.net"
LID_SERVER: Final = "lid"
HOSTED_SERVER: Final = "hosted"
HOSTED_LID_SERVER: Final = "hosted.lid"
GROUP_SERVER: Final = "g.us"
BROADCAST_SERVER: Final = "broadcast"
LEGACY_PN_SERVER: Final = "c.us"
INTEROP_SERVER: Final = "interop"
MESSENGER_SERVER: Final = "msgr"

# The domain byte of an AD_JID names the server. Other values are kept as the agent of a phone number.
DOMAIN_OF_SERVER: Final = {PN_SERVER: 0, LID_SERVER: 1, HOSTED_SERVER: 128, HOSTED_LID_SERVER: 129}
SERVER_OF_DOMAIN: Final = {domain: server for server, domain in DOMAIN_OF_SERVER.items()}

_MAX_JID_LENGTH = 256


class Jid(NamedTuple):
    """One address. Device 0 is the phone itself; an empty user is the server.

    `str()` gives the usual spelling, `Jid.parse()` reads it.
    """

    user: str
    server: str = PN_SERVER
    device: int = 0
    agent: int = 0
    integrator: int = 0

    @classmethod
    def parse(cls, text: str) -> "Jid":
        """Read `user[_agent][:device]@server` or a bare server.

        Raises NodeError for what is no address: no server, or a device that is no number of 16 bits.
        """
        if len(text) > _MAX_JID_LENGTH:
            raise NodeError("address too long")
        user, at, server = text.rpartition("@")
        if not server:
            raise NodeError("address without a server")
        if not at:
            return cls("", server)
        user, _, device_text = user.partition(":")
        name, _, agent_text = user.rpartition("_")
        if not (name and agent_text.isascii() and agent_text.isdecimal()):
            name, agent_text = user, ""  # an underscore that is a part of the name
        return cls(name, server, _number(device_text, 0xFFFF), _number(agent_text, 0xFF))

    def __str__(self) -> str:
        agent = f"_{self.agent}" if self.agent else ""
        device = f":{self.device}" if self.device else ""
        return f"{self.user}{agent}{device}@{self.server}"

    @property
    def bare(self) -> "Jid":
        """The account: this address without its device."""
        return Jid(self.user, self.server)

    @property
    def is_lid(self) -> bool:
        return self.server in (LID_SERVER, HOSTED_LID_SERVER)

    def with_device(self, device: int) -> "Jid":
        return self._replace(device=device)


SERVER_JID: Final = Jid("")  # on the wire `fa 00 03`; other spellings of it are ignored by strict peers


def _number(text: str, limit: int) -> int:
    if not text:
        return 0
    if len(text) > 5 or not (text.isascii() and text.isdecimal()) or int(text) > limit:
        raise NodeError("address with an unreadable device")
    return int(text)
