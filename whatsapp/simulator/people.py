"""The accounts of a simulated server, their phones and linked devices."""

import hashlib
import secrets
import time
from collections.abc import Iterable
from typing import Final

from whatsapp.credentials import Credentials
from whatsapp.protocol.jid import Jid
from whatsapp.protocol.nodes import Node
from whatsapp.simulator import delivery
from whatsapp.simulator.accounts import Account, Device
from whatsapp.simulator.companions import announce
from whatsapp.simulator.exceptions import SimulatorError
from whatsapp.simulator.linking import link_directly
from whatsapp.simulator.phone import Phone

_RECIPIENT_PREFIX: Final = "62855"
_KEY_SETS: Final = 32  # different identities among recipients made together


class People:
    """The part of `Simulator` that knows who is there."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.tokens: dict[tuple[str, str], tuple[bytes, ...]] = {}  # (issuer, holder): may write to the issuer
        self.spellings: dict[str, str] = {}  # other ways to write a number -> the one that WhatsApp knows
        self._phones: dict[str, Phone] = {}
        self._lids: dict[str, str] = {}  # LID user -> number

    def save(self) -> None:
        """Keep accounts and devices, soon."""
        raise NotImplementedError

    def _new_phone(self, account: Account) -> Phone:
        raise NotImplementedError

    def add_phone(self, number: str, name: str = "", platform: str = "android", business_name: str = "") -> Phone:
        """The phone of a number, made if there is none. `number` is digits with the country code."""
        account = self.accounts.get(_checked(number))
        if account is None:
            account = Account(number, name, platform, business_name)
            self._add(account)
            self.save()
        elif name:
            account.name = name
        return self._phones[number]

    def add_recipients(
        self, numbers: int | Iterable[str], *, reads: bool = False, lazy: bool = False, first: int = 0
    ) -> list[str]:
        """Many phones that people write to, of these numbers or of so many made up (from the `first`-th on).

        They are cheap: they share keys, and no file keeps them. `reads` and `lazy` as in `Messenger`. Gives their
        numbers.
        """
        if isinstance(numbers, int):
            numbers = [f"{_RECIPIENT_PREFIX}{first + index:08d}" for index in range(numbers)]
        made = []
        for index, number in enumerate(numbers):
            if number not in self.accounts:
                private = hashlib.sha256(f"recipients {index % _KEY_SETS}".encode()).digest()
                self._add(Account(_checked(number), account_private=private, is_recipient=True))
            phone = self._phones[number]
            phone.reads, phone.lazy = reads, lazy
            made.append(number)
        return made

    def phone(self, number: str) -> Phone:
        """Raises SimulatorError if that number has none."""
        phone = self._phones.get(number)
        if phone is None:
            raise SimulatorError(f"no phone has the number {number}")
        return phone

    @property
    def phones(self) -> list[Phone]:
        return list(self._phones.values())

    def link_directly(self, number: str, *, device_name: str = "Gerai", pre_keys: int = 100) -> Credentials:
        """A linked device without the dance: gives the credentials that a client can log in with.

        `pre_keys` is how many one-time keys the server pretends to have of it (0: the client will upload).
        """
        account = self.add_phone(number).account
        credentials = link_directly(account, device_name, pre_keys)
        self.linked(account.devices[account.next_device - 1])
        return credentials

    def remove_phone(self, number: str) -> None:
        """The number is not on WhatsApp any more."""
        account = self.accounts.pop(number, None)
        if account is not None:
            del self._lids[account.lid], self._phones[number]
            self.save()

    def account_of(self, jid: Jid) -> Account | None:
        """By number or by LID."""
        return self.accounts.get(self._lids.get(jid.user, "") if jid.is_lid else jid.user)

    def remove_device(self, device: Device) -> None:
        """The phone logged it out: tell it, and let it never in again."""
        self.drop_device(device)
        if device.session is not None:
            device.session.stream_error(401, "device_removed")

    def drop_device(self, device: Device) -> None:
        if device.account.devices.pop(device.number, None) is not None:
            announce(self.accounts, device, "remove")
        self.save()

    def linked(self, device: Device) -> None:
        """A device was linked: tell those who should know, and keep it."""
        announce(self.accounts, device, "add")
        self.save()

    def issue_token(self, issuer: Account, holder: Account) -> bytes:
        """Let the holder open a chat with the issuer, and tell its devices (PROTOCOL.md §22)."""
        token = secrets.token_bytes(16)
        pair = issuer.number, holder.number
        self.tokens[pair] = *self.tokens.get(pair, ()), token  # older ones hold for weeks
        trusted = Node("token", {"type": "trusted_contact", "t": str(int(time.time()))}, token)
        for device in holder.devices.values():
            attrs: dict[str, str | Jid] = {"type": "privacy_token", "from": issuer.address(0, as_lid=False)}
            attrs["sender_lid"] = issuer.address(0, as_lid=True)
            delivery.push(device, Node("notification", attrs, [Node("tokens", {}, [trusted])]))
        return token

    # --- memory

    def forget_phones(self) -> None:
        """All of them; their devices' connections end with device_removed."""
        for phone in self.phones:
            for device in phone.devices:
                self.remove_device(device)
        self.accounts.clear()
        self._lids.clear()
        self._phones.clear()
        self.save()

    def _add(self, account: Account) -> None:
        self.accounts[account.number] = account
        self._lids[account.lid] = account.number
        self._phones[account.number] = self._new_phone(account)


def _checked(number: str) -> str:
    if not (number.isascii() and number.isdecimal() and 7 <= len(number) <= 15):
        raise SimulatorError(f"{number!r} is no number: digits only, with the country code")
    return number
