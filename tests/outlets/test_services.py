import pytest
from django.core.exceptions import ValidationError

from outlets import services
from outlets.models import Outlet

pytestmark = pytest.mark.django_db


def test_it_makes_an_outlet():
    outlet = services.outlet_create(name="  Outlet\n Malang ", whatsapp_number="0812-3456-7890")
    outlet.refresh_from_db()
    assert (outlet.name, outlet.whatsapp_number, outlet.is_active) == ("Outlet Malang", "6281234567890", True)


def test_it_keeps_markup_as_text():
    outlet = services.outlet_create(name="<b>Solo</b> & Co", whatsapp_number="081234567890")
    assert outlet.name == "<b>Solo</b> & Co"


def test_it_names_every_problem(cast):
    with pytest.raises(ValidationError) as caught:
        services.outlet_create(name=" \u0000 ", whatsapp_number="+62 877-8898-7745")
    assert set(caught.value.message_dict) == {"name", "whatsapp_number"}


def test_it_refuses_long_names():
    with pytest.raises(ValidationError):
        services.outlet_create(name="x" * 101, whatsapp_number="081234567890")


def test_it_refuses_a_number_that_is_taken(cast):
    with pytest.raises(ValidationError) as caught:
        services.outlet_update(cast.bandung, whatsapp_number="0877-8898-7745")
    assert caught.value.error_dict["whatsapp_number"][0].code == "unique"
    cast.bandung.refresh_from_db()
    assert cast.bandung.whatsapp_number == "6281234500002"


def test_it_refuses_a_number_that_is_taken_meanwhile(cast, monkeypatch):
    monkeypatch.setattr(services, "_free_number", lambda outlet, written, may_change: "6287788987745")
    with pytest.raises(ValidationError) as caught:
        services.outlet_create(name="Outlet Jakarta 2", whatsapp_number="0877-8898-7745")
    assert caught.value.error_dict["whatsapp_number"][0].code == "unique"
    assert Outlet.objects.count() == 5


def test_it_changes_only_what_is_given(cast):
    services.outlet_update(cast.medan, is_active=False)
    cast.medan.refresh_from_db()
    assert (cast.medan.name, cast.medan.is_active) == ("Outlet Medan", False)


def test_it_keeps_the_number_of_a_linked_device(cast):
    with pytest.raises(ValidationError) as caught:
        services.outlet_update(cast.jakarta, whatsapp_number="0812 3456 7890", may_change_number=False)
    assert caught.value.error_dict["whatsapp_number"][0].code == "linked"
    same = services.outlet_update(
        cast.jakarta, name="Jakarta", whatsapp_number="0877 8898 7745", may_change_number=False
    )
    assert same.name == "Jakarta"
