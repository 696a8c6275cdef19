"""`Authorization: Bearer <token>`. A module of its own: DRF imports it while its views are being imported."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.authentication import TokenAuthentication

from accounts.models import ApiToken, User


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
        ApiToken.objects.note_use(token, now)
        return token.user, token
