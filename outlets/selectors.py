"""Reads. `visible_to` is the one role filter: every other room reaches outlets through it."""

import re

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.http import Http404

from accounts.models import User
from outlets.models import Outlet

_PUBLIC_ID = re.compile(r"outlet_([1-9][0-9]{0,17})\Z", re.ASCII)


def visible_to(user: User | AnonymousUser) -> QuerySet[Outlet]:
    """The outlets that this account may know of. A USER without an outlet sees none, not all."""
    if not user.is_authenticated or not user.is_active:
        return Outlet.objects.none()
    if user.sees_all:
        return Outlet.objects.all()
    return Outlet.objects.filter(pk=user.outlet_id) if user.outlet_id else Outlet.objects.none()


def outlet_for(user: User | AnonymousUser, outlet_id: str) -> Outlet:
    """The outlet with this public id ("outlet_123"). Absent and forbidden are the same `Http404`."""
    match = _PUBLIC_ID.match(outlet_id)
    outlet = visible_to(user).filter(pk=int(match[1])).first() if match else None
    if outlet is None:
        raise Http404
    return outlet
