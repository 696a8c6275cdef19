"""Who has a number, under which LID, and on which devices (PROTOCOL.md §13, §21)."""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from whatsapp.line import Line
from whatsapp.options import ClientOptions
from whatsapp.protocol import people_stanzas
from whatsapp.protocol.jid import LEGACY_PN_SERVER, LID_SERVER, PN_SERVER, Jid
from whatsapp.protocol.people_stanzas import as_lid
from whatsapp.settling import kept
from whatsapp.store import Store, TrustedToken

_MAX_KNOWN = 1000  # accounts whose devices are kept
_MAX_PAIRS = 1000  # of number and LID
_IN_ONE_QUERY = 100  # accounts


@dataclass(slots=True)
class Person:
    """An account that can be written to."""

    chat: Jid  # what messages are addressed to: the LID where there is one
    number: str  # digits; empty if only the LID is known
    devices: tuple[Jid, ...]  # addressed as `chat`, the phone among them
    until: float  # `loop.time()` when this has to be asked again
    token: TrustedToken | None = field(default=None, repr=False)  # None: not looked up yet

    @property
    def token_key(self) -> str:
        """What the store keeps the tokens under."""
        return self.chat.user


class People:
    """A bounded memory of what the server said. `unsaved` has the LIDs that the store should hear of."""

    __slots__ = ("_known", "_lid", "_line", "_me", "_numbers", "_options", "_store", "unsaved")

    def __init__(self, line: Line, store: Store, me: Jid, lid: Jid | None, options: ClientOptions) -> None:
        self._line = line
        self._store = store
        self._me = me  # this device
        self._lid = lid
        self._options = options
        self._known: OrderedDict[Jid, Person] = OrderedDict()  # by the address that was asked for
        self._numbers: OrderedDict[str, str | None] = OrderedDict()  # LID -> number
        self.unsaved: dict[str, str] = {}  # number -> LID

    async def find(self, users: Iterable[Jid]) -> dict[Jid, Person | None]:
        """The persons behind addresses, None for those that nobody has. Ours is looked up with them.

        Raises QueryError, NotConnectedError, TimeoutError, StoreError.
        """
        wanted = [*dict.fromkeys(normal(user) for user in users)]
        now = asyncio.get_running_loop().time()
        found: dict[Jid, Person | None] = {}
        missing = []
        for user in [*wanted, self._me.bare]:
            person = self._known.get(user)
            if person is not None and person.until > now:
                found[user] = person
                self._known.move_to_end(user)
            else:
                missing.append(user)
        missing = [*dict.fromkeys(missing)]
        for start in range(0, len(missing), _IN_ONE_QUERY):
            found.update(await self._ask(missing[start : start + _IN_ONE_QUERY]))
        return found

    async def own_devices(self, like: Jid) -> tuple[Jid, ...]:
        """The other devices of this account, addressed as `like` is."""
        me = (await self.find(())).get(self._me.bare)
        devices = me.devices if me is not None else ()
        others = [device for device in devices if device.device != self._me.device]
        if like.is_lid and self._lid is not None:
            return tuple(as_lid(device, self._lid.user) for device in others)
        return tuple(Jid(self._me.user, device=device.device) for device in others)

    def this_device(self, like: Jid) -> Jid:
        """Ourselves, addressed as `like` is."""
        return self._lid if like.is_lid and self._lid is not None else self._me

    def forget(self, *users: Jid) -> None:
        """What is known of their devices is out of date."""
        for user in users:
            self._known.pop(normal(user), None)

    def forget_me(self) -> None:
        self.forget(self._me)

    def forget_named(self, names: Iterable[Jid]) -> None:
        """The same for all addresses of those who have one of these."""
        users = {name.user for name in names}
        for asked, person in list(self._known.items()):
            if not users.isdisjoint((asked.user, person.chat.user, person.number)):
                del self._known[asked]

    async def token(self, person: Person) -> TrustedToken:
        """The tokens between us and a person. Raises StoreError."""
        if person.token is None:
            person.token = await kept(self._store.token_of(person.token_key)) or TrustedToken()
        return person.token

    async def look_up_tokens(self, people: Iterable[Person]) -> None:
        """`token` for many, ahead. Raises StoreError."""
        unknown = {person.token_key: person for person in people if person.token is None}
        if unknown:
            tokens = await kept(self._store.tokens_of(list(unknown)))
            for key, person in unknown.items():
                person.token = tokens.get(key) or TrustedToken()

    async def lid_of(self, number: str) -> str | None:
        """The LID of a number, if it was ever heard of. Raises StoreError."""
        if number == self._me.user:
            return self._lid.user if self._lid else None
        if number in self.unsaved:
            return self.unsaved[number]
        return (await kept(self._store.lids_of([number]))).get(number)

    async def number_of(self, jid: Jid) -> str | None:
        """The digits of whom an address names. Raises StoreError."""
        if not jid.is_lid:
            return jid.user
        if self._lid is not None and jid.user == self._lid.user:
            return self._me.user
        if jid.user not in self._numbers:
            found = await kept(self._store.number_of_lid(jid.user))
            if found is None:
                return None
            self._pair(jid.user, found)
        return self._numbers[jid.user]

    async def learn(self, names: Sequence[Jid]) -> None:
        """The server said that these addresses are one person. Raises StoreError."""
        number = next((name.user for name in names if not name.is_lid), None)
        lid = next((name.user for name in names if name.is_lid), None)
        if number is None or lid is None or number == self._me.user or self._numbers.get(lid) == number:
            return
        if await self.number_of(Jid(lid, LID_SERVER)) != number:
            self._remember(number, lid)

    async def check(self, numbers: Sequence[str]) -> Mapping[str, Jid | None]:
        """The canonical addresses of numbers (digits), None for those that are not on WhatsApp. Raises as `find`."""
        found: dict[str, Jid | None] = {}
        for start in range(0, len(numbers), _IN_ONE_QUERY):
            part = numbers[start : start + _IN_ONE_QUERY]
            answer = await self._line.query(people_stanzas.contacts_query(part, _sid()))
            found.update(people_stanzas.read_contacts(answer, part))
        return found

    async def _ask(self, users: Sequence[Jid]) -> dict[Jid, Person | None]:
        answer = await self._line.query(people_stanzas.devices_query(users, _sid()))
        listed = {entry.user: entry for entry in people_stanzas.read_devices(answer)}
        until = asyncio.get_running_loop().time() + self._options.devices_ttl_s
        numbers = [user.user for user in users if not user.is_lid and not _said(listed, user)]
        remembered = await kept(self._store.lids_of(numbers)) if numbers else {}
        found: dict[Jid, Person | None] = {}
        for user in users:
            entry = listed.get(user)
            if entry is None or not entry.devices:
                found[user] = None
                continue
            if user.is_lid:
                person = Person(user, await self.number_of(user) or "", entry.devices, until)
            else:
                lid = self._lid.user if user == self._me.bare and self._lid else entry.lid
                if entry.lid and user != self._me.bare:
                    self._remember(user.user, entry.lid)
                lid = lid or remembered.get(user.user)
                devices = entry.devices if lid is None else tuple(as_lid(device, lid) for device in entry.devices)
                person = Person(user if lid is None else Jid(lid, LID_SERVER), user.user, devices, until)
            found[user] = person
            self._known[user] = person
            self._known.move_to_end(user)
        while len(self._known) > _MAX_KNOWN:
            self._known.popitem(last=False)
        return found

    def _remember(self, number: str, lid: str) -> None:
        if self._numbers.get(lid) != number:
            self._pair(lid, number)
            if len(self.unsaved) < _MAX_PAIRS:
                self.unsaved[number] = lid

    def _pair(self, lid: str, number: str) -> None:
        self._numbers[lid] = number
        if len(self._numbers) > _MAX_PAIRS:
            self._numbers.popitem(last=False)


def normal(user: Jid) -> Jid:
    """One spelling for one account."""
    return Jid(user.user, PN_SERVER if user.server == LEGACY_PN_SERVER else user.server)


def _said(listed: Mapping[Jid, people_stanzas.DeviceList], user: Jid) -> bool:
    entry = listed.get(user)
    return entry is None or bool(entry.lid)


def _sid() -> str:
    return secrets.token_hex(8)
