"""Which Signal sessions are at hand without asking the store."""

from tests.whatsapp.peer import MemoryStore
from whatsapp.protocol.signal.records import Record
from whatsapp.ratchets import Ratchets

RECORD = Record(bytes(32), None)


async def test_what_is_used_all_the_time_stays_in_memory():
    """Our own phone's session: every message needs it, whoever the message is for."""
    store = MemoryStore()
    ratchets = Ratchets(store)
    await ratchets.commit({"own": RECORD})
    store.failing.add("load_sessions")
    for number in range(300):
        assert "own" in await ratchets.load(["own"])
        await ratchets.commit({f"customer {number}": RECORD})


async def test_what_is_not_used_any_more_is_asked_for_again():
    store = MemoryStore()
    ratchets = Ratchets(store)
    for number in range(300):
        await ratchets.commit({f"customer {number}": RECORD})
    assert "customer 0" in await ratchets.load(["customer 0"])
    assert len(ratchets._recent) <= 64
