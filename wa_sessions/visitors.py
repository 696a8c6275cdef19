"""Who stands behind an open WebSocket, and whether they still may. It uses the database: call it in a thread."""

import importlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.models import Session
from django.http import HttpRequest, parse_cookie
from django.utils import timezone

from accounts.models import ApiToken, User
from outlets.selectors import visible_to

CLOSE_UNAUTHENTICATED = 4401  # nobody is logged in (any more): log in again
CLOSE_CHANGED = 4403  # what this account may see has changed: load the page again


@dataclass(frozen=True, slots=True)
class Visitor:
    """An account as it was when its socket opened, and the session or token that it came with."""

    user_pk: int
    role: str
    outlet_pk: int | None
    password: int = field(repr=False)  # a digest good for "is it another one?" within this process only
    session_key: str | None = field(default=None, repr=False)
    token_pk: int | None = None
    sees: frozenset[int] | None = None  # public keys of outlets; None: all

    def may_see(self, outlet_pk: int) -> bool:
        return self.sees is None or outlet_pk in self.sees


def visitor_of(headers: Mapping[bytes, bytes]) -> Visitor | None:
    """The account behind a handshake, by Bearer token or else by session cookie; None: nobody, or deactivated."""
    authorization = headers.get(b"authorization", b"").decode("latin-1")
    scheme, _, text = authorization.partition(" ")
    if authorization:
        token = ApiToken.objects.find(text.strip(), timezone.now()) if scheme.lower() == "bearer" else None
        return _visitor(token.user, token_pk=token.pk) if token else None
    key = parse_cookie(headers.get(b"cookie", b"").decode("latin-1")).get(settings.SESSION_COOKIE_NAME)
    if not key:
        return None
    request = HttpRequest()
    request.session = importlib.import_module(settings.SESSION_ENGINE).SessionStore(key)
    user = get_user(request)  # also compares the password that the session was made with
    if not isinstance(user, User) or not user.is_active:
        return None
    return _visitor(user, session_key=request.session.session_key)


def _visitor(user: User, **came_with: Any) -> Visitor:
    sees = None if user.sees_all else frozenset(visible_to(user).values_list("pk", flat=True))
    return Visitor(user.pk, user.role, user.outlet_id, hash(user.password), sees=sees, **came_with)


def verdicts(visitors: Collection[Visitor]) -> dict[Visitor, int]:
    """Those whose socket must close, each with its close code. Three queries at most, however many visitors."""
    now = timezone.now()
    users = {
        pk: (is_active, role, outlet_pk, hash(password))
        for pk, is_active, role, outlet_pk, password in User.objects.filter(
            pk__in={visitor.user_pk for visitor in visitors}
        ).values_list("pk", "is_active", "role", "outlet_id", "password")
    }
    keys = {visitor.session_key for visitor in visitors if visitor.session_key}
    tokens = {visitor.token_pk for visitor in visitors if visitor.token_pk}
    if keys:
        keys = set(Session.objects.filter(pk__in=keys, expire_date__gt=now).values_list("pk", flat=True))
    if tokens:
        live = ApiToken.objects.filter(pk__in=tokens, expires_at__gt=now, revoked_at=None)
        tokens = set(live.values_list("pk", flat=True))
    return dict(_judge(visitors, users, keys, tokens))


def _judge(
    visitors: Iterable[Visitor],
    users: Mapping[int, tuple[bool, str, int | None, int]],
    keys: Collection[str | None],
    tokens: Collection[int | None],
) -> Iterable[tuple[Visitor, int]]:
    for visitor in visitors:
        is_active, role, outlet_pk, password = users.get(visitor.user_pk, (False, "", None, 0))
        if visitor.token_pk is not None:
            is_known = visitor.token_pk in tokens
        else:
            is_known = visitor.session_key in keys and password == visitor.password
        if not is_active or not is_known:
            yield visitor, CLOSE_UNAUTHENTICATED
        elif (role, outlet_pk) != (visitor.role, visitor.outlet_pk):
            yield visitor, CLOSE_CHANGED
