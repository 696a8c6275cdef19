"""The cast: five outlets and five people that every test knows by name."""

from typing import Any

import factory
from factory.django import DjangoModelFactory

from accounts.models import Role, User
from outlets.models import Outlet

PASSWORD = "rahasia-sekali-42"


class OutletFactory(DjangoModelFactory[Outlet]):
    class Meta:
        model = Outlet

    name = factory.Sequence(lambda n: f"Outlet {n}")
    whatsapp_number = factory.Sequence(lambda n: f"62812{n:08d}")


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"orang{n}")
    role = Role.USER
    password = factory.django.Password(PASSWORD)


class Cast:
    """Sari runs everything, Adi is head office, Jaka and Budi have a shop each, Nina has none."""

    def __init__(self) -> None:
        self.jakarta = OutletFactory.create(name="Outlet Jakarta", whatsapp_number="6287788987745")
        self.bandung = OutletFactory.create(name="Outlet Bandung", whatsapp_number="6281234500002")
        self.surabaya = OutletFactory.create(name="Outlet Surabaya", whatsapp_number="6281234500003")
        self.medan = OutletFactory.create(name="Outlet Medan", whatsapp_number="6281234500004")
        self.semarang = OutletFactory.create(name="Outlet Semarang", whatsapp_number="6281234500005")
        self.sari = self._person("sari", role=Role.SUPERADMIN)
        self.adi = self._person("adi", role=Role.ADMIN)
        self.jaka = self._person("jaka", outlet=self.jakarta)
        self.budi = self._person("budi", outlet=self.bandung)
        self.nina = self._person("nina")

    @staticmethod
    def _person(username: str, **fields: Any) -> User:
        return UserFactory.create(username=username, first_name=username.title(), **fields)

    @property
    def outlets(self) -> list[Outlet]:
        return [self.jakarta, self.bandung, self.surabaya, self.medan, self.semarang]

    @property
    def people(self) -> list[User]:
        return [self.sari, self.adi, self.jaka, self.budi, self.nina]
