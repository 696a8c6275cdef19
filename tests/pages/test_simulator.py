"""The simulator page: one click is one order to the simulator, by ADMIN and up."""

import json
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.test import RequestFactory

from tests.pages.scene import QR_TEXT
from wa_sessions import simulator_views
from whatsapp.simulator.exceptions import SimulatorError

pytestmark = pytest.mark.django_db


class Control:
    """Stands for the control of a simulator: writes down what is ordered."""

    orders: list[tuple[Any, ...]] = []
    numbers = ["6287788987745", "6281234500004"]

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None: ...

    def phones(self):
        return [{"number": number, "network": True, "devices": [{"name": "Gerai"}]} for number in self.numbers]

    def unlink(self, number):
        self.orders.append(("unlink", number))
        return [1]

    def __getattr__(self, do):
        return lambda *args, **details: self.orders.append((do, *args, *details.items()))


@pytest.fixture
def order(scene, monkeypatch):
    Control.orders = []
    monkeypatch.setattr(simulator_views, "ControlClient", Control)
    monkeypatch.setattr(simulator_views.settings, "WA_SIMULATOR_CONTROL", "ws://127.0.0.1:1/control", raising=False)

    def order(user, do, outlet_id):
        request = RequestFactory().post(
            "/simulator/do", {"do": do, "outlet": outlet_id}, HTTP_ACCEPT="application/json"
        )
        request.user = user
        answer = simulator_views.simulator_do(request)
        return answer.status_code, json.loads(answer.content)["message"], Control.orders

    return order


MEDAN, JAKARTA = "6281234500004", "6287788987745"


@pytest.mark.parametrize(
    ("do", "outlet", "ordered"),
    [
        ("scan", "medan", [("scan", MEDAN, QR_TEXT)]),
        ("scan-elsewhere", "medan", [("scan", JAKARTA, QR_TEXT)]),
        ("restore", "jakarta", [("lift", JAKARTA, "drop")]),
        ("network-off", "jakarta", [("network", JAKARTA, False)]),
        ("network-on", "jakarta", [("network", JAKARTA, True)]),
        ("unlink", "jakarta", [("unlink", JAKARTA)]),
        ("conflict", "jakarta", [("fault", "stream_error", JAKARTA, ("conflict", "replaced"))]),
        ("cut", "jakarta", [("fault", "drop", JAKARTA, ("stage", "login"), ("times", simulator_views.FOR_GOOD))]),
    ],
)
def test_one_click_is_one_order(scene, order, do, outlet, ordered):
    status, message, orders = order(scene.cast.adi, do, getattr(scene.cast, outlet).public_id)
    assert (status, orders) == (200, ordered)
    assert getattr(scene.cast, outlet).name in message


def test_a_phone_that_is_missing_is_made(scene, order):
    scene.qr(scene.cast.bandung)
    _, _, orders = order(scene.cast.adi, "scan", scene.cast.bandung.public_id)
    assert orders[0][:2] == ("add_phone", scene.cast.bandung.whatsapp_number)


def test_a_temporary_ban_refuses_the_next_login(scene, order):
    _, _, orders = order(scene.cast.adi, "ban", scene.cast.jakarta.public_id)
    assert [one[1] for one in orders] == ["failure", "drop"]


def test_what_makes_no_sense_is_said(scene, order, monkeypatch):
    status, message, _ = order(scene.cast.adi, "scan", scene.cast.jakarta.public_id)
    assert (status, message) == (409, "Tidak ada QR yang menunggu. Tekan Hubungkan dulu.")
    status, message, _ = order(scene.cast.adi, "enter-code", scene.cast.jakarta.public_id)
    assert status == 409

    def unreachable(*_):
        raise SimulatorError("The simulator cannot be reached.")

    monkeypatch.setattr(simulator_views, "ControlClient", unreachable)
    assert order(scene.cast.adi, "cut", scene.cast.jakarta.public_id)[0] == 409


def test_it_is_for_admins_and_for_known_deeds_and_outlets(scene, order):
    with pytest.raises(PermissionDenied):
        order(scene.cast.jaka, "cut", scene.cast.jakarta.public_id)
    with pytest.raises(PermissionDenied):
        order(scene.cast.adi, "format-disk", scene.cast.jakarta.public_id)
    with pytest.raises(Http404):
        order(scene.cast.adi, "cut", "outlet_999999")
    assert Control.orders == []
