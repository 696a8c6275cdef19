"""What every test may ask for."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import translation

from accounts.models import ApiToken, User
from tests.cast import Cast


@pytest.fixture
def cast(db: None) -> Cast:
    """The five people and five outlets. See `tests.cast`."""
    return Cast()


@pytest.fixture(autouse=True)
def _fresh_cache() -> None:
    """Throttles count in the cache."""
    cache.clear()


@pytest.fixture(autouse=True)
def _fresh_language() -> None:
    """Django's test client leaves the language of its last request behind."""
    translation.deactivate()


class Api(Client):
    """A REST client with a token: `Api(user)`, or `Api()` for nobody. Bodies go out as JSON."""

    def __init__(self, user: User | None = None) -> None:
        self.token = ApiToken.objects.issue(user, lifetime=timedelta(days=1))[0] if user else None
        super().__init__(headers={"Authorization": f"Bearer {self.token}"} if self.token else None)


@pytest.fixture
def api(db: None) -> type[Api]:
    """`api(cast.jaka).get("/api/outlets")`"""
    return Api


@pytest.fixture
def browser_as(client: Client):
    """`browser_as(cast.jaka)`: Django's test client with that person's session."""

    def log_in(user: User) -> Client:
        client.force_login(user)
        return client

    return log_in
