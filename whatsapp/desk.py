"""What sending, receiving and asking again have in common: one account's line, keys, people and sessions."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from whatsapp.credentials import Credentials
from whatsapp.events import Event
from whatsapp.exceptions import BundleError, NodeError, StoreError
from whatsapp.line import Line
from whatsapp.options import ClientOptions
from whatsapp.people import People
from whatsapp.protocol import people_stanzas, stanzas
from whatsapp.protocol.jid import Jid
from whatsapp.protocol.nodes import Node
from whatsapp.protocol.people_stanzas import as_lid, signal_address
from whatsapp.protocol.signal.records import Record
from whatsapp.protocol.signal.x3dh import Bundle, LocalKeys, initiate
from whatsapp.ratchets import Ratchets
from whatsapp.settling import kept
from whatsapp.store import StateChanges, Store

_IN_ONE_QUERY = 100  # devices


@dataclass(frozen=True, slots=True)
class Account:
    """Who we are."""

    jid: Jid  # this device
    lid: Jid | None
    keys: LocalKeys = field(repr=False)
    device_identity: bytes = field(repr=False)

    @classmethod
    def of(cls, credentials: Credentials) -> "Account":
        """Raises StoreError for credentials that name nobody."""
        try:
            return cls(
                Jid.parse(credentials.jid or ""),
                Jid.parse(credentials.lid) if credentials.lid else None,
                LocalKeys.of(credentials),
                credentials.signed_device_identity,
            )
        except (NodeError, ValueError) as error:
            raise StoreError("unusable credentials") from error

    @property
    def users(self) -> frozenset[str]:
        """The names that we go by."""
        return frozenset({self.jid.user, self.lid.user} if self.lid else {self.jid.user})

    def is_this_device(self, device: Jid) -> bool:
        return device.device == self.jid.device and device.user in self.users


class Desk:
    """Made once something is sent or received: an idle connection has none."""

    __slots__ = ("account", "line", "options", "people", "ratchets", "store", "tell")

    def __init__(
        self,
        line: Line,
        store: Store,
        options: ClientOptions,
        account: Account,
        tell: Callable[[Event], Awaitable[None]],
    ) -> None:
        self.line = line
        self.store = store
        self.options = options
        self.account = account
        self.tell = tell  # the caller's handler; raises HandlerError
        self.ratchets = Ratchets(store)
        self.people = People(line, store, account.jid, account.lid, options)

    @classmethod
    async def open(
        cls, line: Line, store: Store, options: ClientOptions, tell: Callable[[Event], Awaitable[None]]
    ) -> "Desk":
        """Raises StoreError."""
        credentials = await kept(store.load_credentials())
        if credentials is None:
            raise StoreError("no credentials")
        return cls(line, store, options, Account.of(credentials), tell)

    def acknowledge(self, node: Node, *, is_read: bool = True) -> None:
        """Tell the server that a stanza arrived; without `is_read`, that it need not come again. See `delivery`."""
        line = self.line
        answer = (
            stanzas.delivery(node, self.account.users, is_available=line.core.is_available)
            if is_read
            else stanzas.ack(node)
        )
        if answer is not None:
            line.send(answer)

    async def commit(self, records: Mapping[str, Record | None], changes: StateChanges | None = None) -> None:
        """`Ratchets.commit`, and with it the LIDs that were heard of since the last. You must hold its lock."""
        changes, lids = changes or StateChanges(), dict(self.people.unsaved)
        if records or lids or changes != StateChanges():
            await self.ratchets.commit(records, replace(changes, lids=lids))
        for number in lids:
            self.people.unsaved.pop(number, None)

    async def fetch_bundles(self, devices: Collection[Jid]) -> dict[Jid, Bundle | int]:
        """Keys of devices, or the number of the error. Raises QueryError, NotConnectedError, TimeoutError."""
        found: dict[Jid, Bundle | int] = {}
        wanted = list(devices)
        for start in range(0, len(wanted), _IN_ONE_QUERY):
            part = wanted[start : start + _IN_ONE_QUERY]
            answered = people_stanzas.read_bundles(await self.line.query(people_stanzas.bundles_query(part)))
            found.update((device, answered.get(device, 404)) for device in part)
        return found

    async def with_sessions(
        self,
        devices: Collection[Jid],
        records: Mapping[str, Record],
        bundles: Mapping[Jid, Bundle | int],
    ) -> dict[str, Record]:
        """Begin the sessions that are missing, of those devices whose keys came; gives the new records."""
        begun: dict[str, Record] = {}
        for device in devices:
            address, bundle = signal_address(device), bundles.get(device)
            record = records.get(address)
            if isinstance(bundle, Bundle) and (record is None or record.current is None):
                with contextlib.suppress(BundleError):  # one device less
                    begun[address] = initiate(record, bundle, self.account.keys)
                await asyncio.sleep(0)  # each takes a millisecond of everybody's time
        return begun

    async def addresses_of(self, device: Jid, *others: Jid) -> list[str]:
        """Where the session with a device may be kept, the right place first. `others`: further names of the account.

        Under its LID if that is known; sessions of before that were kept under the number.
        """
        if device.is_lid:
            number = next((other.user for other in others if not other.is_lid), None)
            if number is None:
                number = await self.people.number_of(device)
            names = [device] if number is None else [device, Jid(number, device=device.device)]
        else:
            lid = next((other.user for other in others if other.is_lid), None) or await self.people.lid_of(device.user)
            names = [device] if lid is None else [as_lid(device, lid), device]
        return [signal_address(name) for name in names]
