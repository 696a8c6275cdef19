"""`Authorization: Bearer <token>`. A module of its own: DRF imports it while its views are being imported."""

from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.authentication import TokenAuthentication

from accounts.models import ApiToken, User

LAST_USED_EVERY = timedelta(minutes=5)


class BearerAuthentication(TokenAuthentication):
    """Finds the account behind a token with one query; `request.auth` is the `ApiToken`.

    It stands before session authentication, whose lack of a challenge would turn "who are you?" into 403.
    """

    keyword = "Bearer"

    def authenticate_credentials(self, key: str) -> tuple[User, Any]:
        now = timezone.now()
        token = ApiToken.objects.find(key, now)
        if token is None:
            raise exceptions.AuthenticationFailed(_("This token is unknown, revoked or expired."))
        # To the minute is enough, and a write for each request would queue behind SQLite's one writer.
        if token.last_used_at is None or now - token.last_used_at > LAST_USED_EVERY:
            stale = Q(last_used_at=None) | Q(last_used_at__lt=now - LAST_USED_EVERY)
            ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
        return token.user, token
