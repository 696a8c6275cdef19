import pytest
from django.db import OperationalError

from wa_sessions import manager


class Running:
    is_ready = True


def test_it_is_alive_without_a_database(client, django_db_blocker):
    assert client.get("/healthz").json() == {"alive": True}


@pytest.mark.django_db
def test_it_is_ready_when_both_are(client, monkeypatch):
    monkeypatch.setattr(manager, "current", Running)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "database": True, "manager": True})
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
def test_it_is_not_ready_without_the_manager(client, monkeypatch):
    monkeypatch.setattr(manager, "current", lambda: None)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"ready": False, "database": True, "manager": False})


@pytest.mark.django_db
def test_it_is_not_ready_without_the_database(client, monkeypatch):
    def refuse(*args):
        raise OperationalError

    monkeypatch.setattr(manager, "current", Running)
    monkeypatch.setattr("config.health.connection.cursor", refuse)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"ready": False, "database": False, "manager": True})


def test_it_takes_reads_only(client):
    assert client.post("/healthz").status_code == 405
