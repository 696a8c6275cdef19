import pytest

from outlets.forms import OutletForm

pytestmark = pytest.mark.django_db


def filled(**changes):
    return {"name": "Outlet Malang", "whatsapp_number": "0812-3456-7890", "is_active": "on", **changes}


def test_it_adds_an_outlet():
    form = OutletForm(filled())
    assert form.is_valid()
    outlet = form.save()
    assert outlet is not None
    assert outlet.whatsapp_number == "6281234567890"


def test_it_shows_the_present_values(cast):
    form = OutletForm(outlet=cast.jakarta)
    assert form["whatsapp_number"].value() == "+6287788987745"
    assert form["name"].value() == "Outlet Jakarta"


def test_it_edits_an_outlet(cast):
    form = OutletForm(filled(is_active=""), outlet=cast.jakarta)
    assert form.is_valid()
    form.save()
    cast.jakarta.refresh_from_db()
    assert (cast.jakarta.name, cast.jakarta.is_active) == ("Outlet Malang", False)


def test_it_says_which_field_is_wrong(cast):
    form = OutletForm(filled(whatsapp_number="0877 8898 7745"))
    assert form.is_valid()
    assert form.save() is None
    assert form.has_error("whatsapp_number", "unique")


def test_it_says_that_a_device_is_linked(cast):
    form = OutletForm(filled(), outlet=cast.jakarta, may_change_number=False)
    assert form.is_valid()
    assert form.save() is None
    assert form.has_error("whatsapp_number", "linked")
