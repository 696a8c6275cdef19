"""The API of what keeps people and numbers safe: opt-outs, and how each outlet may send."""

from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from blast import pace_services, selectors, services
from blast.api import ERRORS, WISH_ERRORS, asked_for, paging
from blast.models import Pace
from blast.serializers import (
    ErrorAnswer,
    OptOutAnswer,
    OptOutsAnswer,
    OptOutsQuery,
    PaceAnswer,
    PaceWrite,
    UndoWrite,
)
from outlets.models import Outlet
from outlets.selectors import outlet_for
from wa_sessions.api import NO_STORE, ForAdmins, user_of

_API_NAMES = {field.source: name for name, field in PaceWrite().fields.items()}


class OptOutsView(APIView):
    @extend_schema(
        operation_id="opt_outs_list",
        parameters=[OptOutsQuery],
        responses={200: OptOutsAnswer, 400: ErrorAnswer, **ERRORS},
    )
    def get(self, request: Request) -> Response:
        """People who want no more messages, newest first."""
        asked = asked_for(OptOutsQuery, request)
        answer = selectors.opt_out_page(user_of(request), q=asked["q"], active=asked["active"], **paging(asked))
        return Response(answer, headers=NO_STORE)


class OptOutUndoView(APIView):
    @extend_schema(
        operation_id="opt_out_undo",
        request=UndoWrite,
        responses={200: OptOutAnswer, 400: ErrorAnswer, 403: ErrorAnswer, **WISH_ERRORS},
    )
    def post(self, request: Request, opt_out_id: int) -> Response:
        """Write to this person again, for a reason. ADMIN and up."""
        user = user_of(request)
        row = selectors.opt_outs_visible_to(user).filter(pk=opt_out_id).first()
        if row is None:
            raise Http404
        if not user.manages_outlets:
            raise ForAdmins
        form = UndoWrite(data=request.data)
        form.is_valid(raise_exception=True)
        row = services.opt_out_undo(row, user, form.validated_data["reason"])
        return Response({"success": True, "optOut": selectors.opt_out_element(row)}, headers=NO_STORE)


class PaceView(APIView):
    @extend_schema(operation_id="pace_retrieve", responses={200: PaceAnswer, **ERRORS, 404: ErrorAnswer})
    def get(self, request: Request, outlet_id: str) -> Response:
        """How this outlet may send, and whether it was stopped to keep its number safe."""
        return _answer(outlet_for(user_of(request), outlet_id))

    @extend_schema(
        operation_id="pace_update",
        request=PaceWrite,
        responses={200: PaceAnswer, 400: ErrorAnswer, 403: ErrorAnswer, **ERRORS, 404: ErrorAnswer},
    )
    def patch(self, request: Request, outlet_id: str) -> Response:
        """Change limits. ADMIN and up."""
        outlet = _managed(request, outlet_id)
        form = PaceWrite(data=request.data)
        form.is_valid(raise_exception=True)
        try:
            pace_services.pace_update(outlet, user_of(request), **form.validated_data)
        except ValidationError as error:
            fields = {_API_NAMES.get(name, name): messages for name, messages in error.message_dict.items()}
            raise exceptions.ValidationError(fields) from None
        return _answer(outlet)


class PaceReleaseView(APIView):
    @extend_schema(
        operation_id="pace_release", request=None, responses={200: PaceAnswer, 403: ErrorAnswer, **WISH_ERRORS}
    )
    def post(self, request: Request, outlet_id: str) -> Response:
        """Let an outlet go on that was stopped to keep its number safe. ADMIN and up."""
        outlet = _managed(request, outlet_id)
        pace_services.pace_release(outlet, user_of(request))
        return _answer(outlet)


def _managed(request: Request, outlet_id: str) -> Outlet:
    """The outlet, for who manages outlets. First: what somebody may not see is not there, whatever they ask for."""
    outlet = outlet_for(user_of(request), outlet_id)
    if not user_of(request).manages_outlets:
        raise ForAdmins
    return outlet


def _answer(outlet: Outlet) -> Response:
    pace = Pace.of(outlet.pk)
    stop = pace.stop
    shown: dict[str, Any] = {
        "outletId": outlet.public_id,
        "delaySeconds": pace.delay_s,
        "jitter": pace.jitter,
        "perMinute": pace.per_minute,
        "dailyCap": pace.daily_cap,
        "quietFrom": pace.quiet_from.isoformat(timespec="minutes") if pace.quiet_from else None,
        "quietTo": pace.quiet_to.isoformat(timespec="minutes") if pace.quiet_to else None,
        "rampDays": pace.ramp_days,
        "rampStart": pace.ramp_start,
        "stop": {"code": stop.code.value, "message": stop.message, "action": stop.action} if stop else None,
        "stoppedAt": selectors.iso(pace.stopped_at),
        "stoppedUntil": selectors.iso(pace.stopped_until),
    }
    return Response({"success": True, "pace": shown}, headers=NO_STORE)
