"""Writes: tokens, and the check of a password on the way to one."""

from datetime import timedelta

from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import ApiToken, User


def token_issue(request: HttpRequest, *, username: str, password: str, name: str = "") -> tuple[str, ApiToken] | None:
    """A new token for whoever knows this password, its text for once; None if it is wrong or the account inactive."""
    user = authenticate(request, username=username, password=password)
    if not isinstance(user, User):
        return None
    # Lets the count of wrong passwords begin anew, as a log-in on the page does.
    user_logged_in.send(sender=User, request=request, user=user)
    return ApiToken.objects.issue(user, lifetime=timedelta(days=settings.API_TOKEN_DAYS), name=name)


def token_revoke(token: ApiToken) -> None:
    """From now on the token opens nothing. Revoking twice keeps the first time."""
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())
