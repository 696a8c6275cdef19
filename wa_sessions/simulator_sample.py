"""People to write to in a demo: what their simulated phones do, and the list of them to paste into a blast.

The phones are made by `make demo`; the simulator page shows the list. None of these numbers reaches anybody.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from whatsapp.simulator.control import ControlClient


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the sample. Without a phone the number is not on WhatsApp."""

    number: str
    name: str
    points: int
    has_phone: bool = True
    has_network: bool = True
    reads: bool = False
    delay_s: float = 0.0  # how late the phone says that a message came, or was read


_READERS = ("Ibu Ani", "Pak Budi", "Citra Lestari", "Dewi", "Eko Prasetyo", "Fitri", "Gilang", "Hana", "Indra", "Joko")
_LATE_READERS = ("Kartika", "Lukman", "Maya", "Nur Aini", "Oki", "Putri")
_OTHERS = ("Qori", "Rahmat", "Siti", "Teguh", "Umi", "Vina", "Wahyu")
_OFFLINE, _NOT_ON_WHATSAPP = "Yanto", "Zahra"

MESSAGE = "Halo {name}, ada {poin} poin menunggu Anda di {outlet}. Balas STOP untuk berhenti."


def _people() -> Iterator[Person]:
    for index, name in enumerate((*_READERS, *_LATE_READERS, *_OTHERS, _OFFLINE, _NOT_ON_WHATSAPP)):
        yield Person(
            number=f"62857{12_340_001 + index}",
            name=name,
            points=40 + (index * 35) % 400,
            has_phone=name != _NOT_ON_WHATSAPP,
            has_network=name != _OFFLINE,
            reads=name in _READERS or name in _LATE_READERS,
            delay_s=6.0 + (3 * index) % 20 if name in _LATE_READERS else 0.0,
        )


PEOPLE = tuple(_people())


def csv() -> str:
    """The list as people would bring it: numbers as they write them, names, and one variable."""
    rows = (f"0{person.number.removeprefix('62')},{person.name},{person.points}" for person in PEOPLE)
    return "\n".join(("phone,name,poin", *rows))


def make_phones(control: ControlClient) -> None:
    """Raises SimulatorError."""
    people = [person for person in PEOPLE if person.has_phone]
    control.add_recipients([person.number for person in people])
    for person in people:
        control.add_phone(person.number, name=person.name)
        control.behave(person.number, reads=person.reads, delay_s=person.delay_s, network=person.has_network)
