"""A phone: what its owner can do with it, and what it checks and says."""

import asyncio
import base64
import binascii
from typing import TYPE_CHECKING, Final, TypeVar

from whatsapp.exceptions import ProtocolError
from whatsapp.protocol import code_pairing, curve
from whatsapp.protocol.jid import SERVER_JID
from whatsapp.protocol.nodes import Attr, Node
from whatsapp.protocol.pairing import QR_PREFIX
from whatsapp.simulator import delivery
from whatsapp.simulator.accounts import MAX_DEVICES, Device
from whatsapp.simulator.exceptions import PhoneError, Trouble
from whatsapp.simulator.faults import Kind
from whatsapp.simulator.handset import Handset
from whatsapp.simulator.messenger import Messenger

if TYPE_CHECKING:
    from whatsapp.simulator.session import Session

LINK_TIMEOUT_S: Final = 20.0
T = TypeVar("T")


class Phone(Messenger):
    """The phone of one account. What needs WhatsApp raises PhoneError with what the owner would read.

    Linking is here, messages are in `Messenger`.
    """

    @property
    def number(self) -> str:
        return self.account.number

    @property
    def devices(self) -> list[Device]:
        """The linked devices, oldest first."""
        return list(self.account.devices.values())

    @property
    def network(self) -> bool:
        return self.account.network

    @network.setter
    def network(self, on: bool) -> None:
        """Linked devices live on without their phone; linking, unlinking and the phone's own messages need it."""
        self.account.network = on
        if on and self.waiting:
            self.catch_up()
        self._simulator.save()

    async def scan(self, qr_text: str, *, timeout_s: float = LINK_TIMEOUT_S) -> Device:
        """Scan a QR code and wait until the device is linked."""
        self._need_network()
        if self._simulator.faults.standing(Kind.NO_SCAN, self.number):
            raise PhoneError(Trouble.NO_CAMERA)
        ref, noise_public, identity, adv_secret = _read_qr(qr_text)
        session = self._simulator.session_of_ref(ref)
        pairing = session.pairing if session is not None else None
        if session is None or pairing is None:
            raise PhoneError(Trouble.OLD_QR)
        if (noise_public, identity) != (pairing.noise_public, pairing.registration.identity):
            session.mistake("the QR code shows other keys than the handshake")
            raise PhoneError(Trouble.FOREIGN_QR)
        return await self._link(session, adv_secret, timeout_s)

    async def enter_code(self, code: str, *, timeout_s: float = LINK_TIMEOUT_S) -> Device:
        """Type the 8 characters that a device shows (a dash and spaces are ignored) and wait until it is linked."""
        self._need_network()
        code = code.replace("-", "").replace(" ", "").upper()
        if len(code) != code_pairing.CODE_CHARACTERS or set(code) - set(code_pairing.ALPHABET):
            raise PhoneError(Trouble.NO_CODE)
        session = self._simulator.session_waiting_for_code(self.account)
        attempt = session.pairing.code if session is not None and session.pairing is not None else None
        if session is None or attempt is None:
            raise PhoneError(Trouble.NOBODY_WAITS)
        ephemeral_private = curve.new_private()
        wrap, unwrap = code_pairing.wrap_key, code_pairing.unwrap_key
        theirs = await asyncio.to_thread(unwrap, code, attempt.hidden_ephemeral)
        hidden = await asyncio.to_thread(wrap, code, curve.public_of(ephemeral_private))
        attempt.bundle = asyncio.get_running_loop().create_future()
        session.notify(
            Node(
                "notification",
                {"type": "link_code_companion_reg", "from": SERVER_JID},
                [
                    Node(
                        "link_code_companion_reg",
                        {"stage": "primary_hello"},
                        [
                            Node("link_code_pairing_wrapped_primary_ephemeral_pub", {}, hidden),
                            Node("primary_identity_pub", {}, self.account.account_key),
                            Node("link_code_pairing_ref", {}, attempt.ref),
                        ],
                    )
                ],
            )
        )
        sealed = await _in_time(attempt.bundle, timeout_s)
        adv_secret = self._read_bundle(session, ephemeral_private, theirs, sealed)
        return await self._link(session, adv_secret, timeout_s)

    async def unlink(self, device: Device | int) -> None:
        """Log a linked device out: its connection ends with 401 device_removed, and it cannot come back."""
        self._need_network()
        number = device if isinstance(device, int) else device.number
        found = self.account.devices.get(number)
        if found is None:
            raise PhoneError(Trouble.NO_DEVICE, number=number)
        self._simulator.remove_device(found)

    def reinstall(self) -> None:
        """WhatsApp is installed anew: other keys, no sessions, no linked devices; those who wrote to it are told."""
        self._need_network()
        for device in self.devices:
            self._simulator.remove_device(device)
        self.account.account_private = curve.new_private()
        self.handset = Handset(self.account)
        for number in sorted(self.account.contacts or ()):
            writer = self._simulator.accounts.get(number)
            for device in writer.devices.values() if writer is not None else ():
                attrs: dict[str, Attr] = {"type": "encrypt", "from": self.account.address(0, as_lid=False)}
                delivery.push(device, Node("notification", attrs, [Node("identity")]))

    def _read_bundle(self, session: "Session", ephemeral_private: bytes, theirs: bytes, sealed: bytes) -> bytes:
        """The secret that both sides now share. Raises PhoneError: with a wrong code nothing opens."""
        pairing = session.pairing
        assert pairing is not None
        try:
            ephemeral_secret = curve.agree(ephemeral_private, theirs)
            bundle = code_pairing.open_bundle(ephemeral_secret, sealed)
            identity_secret = curve.agree(self.account.account_private, bundle.companion_identity)
        except ProtocolError:
            raise PhoneError(Trouble.WRONG_CODE) from None
        if bundle.companion_identity != pairing.registration.identity:
            session.mistake("the key bundle names another companion identity")
            raise PhoneError(Trouble.UNVERIFIED)
        if bundle.primary_identity != self.account.account_key:
            session.mistake("the key bundle names another primary identity")
            raise PhoneError(Trouble.UNVERIFIED)
        return code_pairing.derive_adv_secret(ephemeral_secret, identity_secret, bundle.random)

    async def _link(self, session: "Session", adv_secret: bytes, timeout_s: float) -> Device:
        if len(self.account.devices) >= MAX_DEVICES:
            raise PhoneError(Trouble.TOO_MANY, limit=MAX_DEVICES)
        return await _in_time(session.accept_pairing(self.account, adv_secret), timeout_s)


def _read_qr(text: str) -> tuple[str, bytes, bytes, bytes]:
    """Ref, noise key, identity and secret. Raises PhoneError: the camera saw something else."""
    parts = text.strip().removeprefix(QR_PREFIX).split(",")
    try:
        keys = [base64.b64decode(part, validate=True) for part in parts[1:4]]
    except (binascii.Error, ValueError):
        keys = []
    if len(parts) not in (4, 5) or [len(key) for key in keys] != [32, 32, 32]:
        raise PhoneError(Trouble.NO_QR)
    return parts[0], keys[0], keys[1], keys[2]


async def _in_time(future: "asyncio.Future[T]", timeout_s: float) -> T:
    try:
        return await asyncio.wait_for(asyncio.shield(future), timeout_s)
    except TimeoutError:
        raise PhoneError(Trouble.TOO_SLOW) from None
