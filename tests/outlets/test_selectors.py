import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import Http404

from outlets.selectors import outlet_for, visible_to


def test_head_office_sees_all(cast):
    for person in (cast.sari, cast.adi):
        assert set(visible_to(person)) == set(cast.outlets)


def test_an_outlet_user_sees_the_own_one(cast):
    assert list(visible_to(cast.jaka)) == [cast.jakarta]
    assert outlet_for(cast.jaka, cast.jakarta.public_id) == cast.jakarta


def test_others_see_none(cast):
    cast.adi.is_active = False
    for person in (cast.nina, cast.adi, AnonymousUser()):
        assert not visible_to(person).exists()
        with pytest.raises(Http404):
            outlet_for(person, cast.jakarta.public_id)


@pytest.mark.parametrize(
    "outlet_id",
    ["", "1", "outlet_", "outlet_0", "outlet_01", "outlet_-1", "outlet_99999", "outlet_" + "9" * 18,
     "outlet_" + "9" * 19, "outlet_1\n", "outlet_١", "OUTLET_1", "outlet_1 "],
)  # fmt: skip
def test_what_is_no_id_is_not_there(cast, outlet_id):
    with pytest.raises(Http404):
        outlet_for(cast.sari, outlet_id)


def test_foreign_is_like_absent(cast):
    for outlet_id in (cast.bandung.public_id, "outlet_99999"):
        with pytest.raises(Http404):
            outlet_for(cast.jaka, outlet_id)
