"""`/api/outlets`: the outlets themselves, and how each reconnects. Their status has an API of its own."""

from typing import Any, cast

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from accounts.permissions import ManagesOutletsOrReads
from outlets.models import Outlet
from outlets.selectors import outlet_for, visible_to
from outlets.services import outlet_create, outlet_update
from wa_sessions import broadcast
from wa_sessions.models import WhatsAppSession
from wa_sessions.services import session_configure

RETRIES_MAX = 100


class OutletWrite(serializers.Serializer[dict[str, Any]]):
    """What may be written. The fields of an outlet come first, then those of its session."""

    name = serializers.CharField(max_length=100)
    whatsappNumber = serializers.CharField(  # noqa: N815
        max_length=30, source="whatsapp_number", help_text="Written in any usual way: 0812…, +62 812-…, 62812…"
    )
    isActive = serializers.BooleanField(required=False, source="is_active")  # noqa: N815
    autoReconnect = serializers.BooleanField(required=False, source="auto_reconnect")  # noqa: N815
    maxRetries = serializers.IntegerField(  # noqa: N815
        required=False, min_value=0, max_value=RETRIES_MAX, source="max_retries"
    )


class OutletRead(serializers.Serializer[dict[str, Any]]):
    outletId = serializers.CharField()  # noqa: N815
    name = serializers.CharField()
    whatsappNumber = serializers.CharField()  # noqa: N815
    isActive = serializers.BooleanField()  # noqa: N815
    autoReconnect = serializers.BooleanField()  # noqa: N815
    maxRetries = serializers.IntegerField()  # noqa: N815


class OutletAnswer(OutletRead):
    success = serializers.BooleanField()


class OutletsAnswer(serializers.Serializer[dict[str, Any]]):
    success = serializers.BooleanField()
    count = serializers.IntegerField()
    outlets = OutletRead(many=True)


class OutletsView(APIView):
    permission_classes = (*APIView.permission_classes, ManagesOutletsOrReads)

    @extend_schema(operation_id="outlets_list", responses=OutletsAnswer)
    def get(self, request: Request) -> Response:
        """The outlets that this account may see, by name."""
        outlets = visible_to(cast(User, request.user)).select_related("session")
        shown = [_shown(outlet) for outlet in outlets]
        return Response({"success": True, "count": len(shown), "outlets": shown})

    @extend_schema(operation_id="outlet_create", request=OutletWrite, responses={201: OutletAnswer})
    def post(self, request: Request) -> Response:
        """Add an outlet. For ADMIN and up."""
        outlet = _written(request, None)
        return Response({"success": True, **_shown(outlet)}, status=status.HTTP_201_CREATED)


class OutletView(APIView):
    @extend_schema(operation_id="outlet_retrieve", responses=OutletAnswer)
    def get(self, request: Request, outlet_id: str) -> Response:
        """One outlet."""
        return Response({"success": True, **_shown(outlet_for(cast(User, request.user), outlet_id))})

    @extend_schema(operation_id="outlet_update", request=OutletWrite(partial=True), responses=OutletAnswer)
    def patch(self, request: Request, outlet_id: str) -> Response:
        """Change what the body names. For ADMIN and up; the number only while no device is linked."""
        user = cast(User, request.user)
        outlet = outlet_for(user, outlet_id)  # first: what somebody may not see is not there, whatever they ask for
        if not user.manages_outlets:
            raise exceptions.PermissionDenied
        return Response({"success": True, **_shown(_written(request, outlet))})


def _written(request: Request, outlet: Outlet | None) -> Outlet:
    """Save what the request's body says, as a new outlet or into this one. All of it or nothing."""
    form = OutletWrite(data=request.data, partial=outlet is not None)
    form.is_valid(raise_exception=True)
    fields = dict(form.validated_data)
    of_session = {name: fields.pop(name) for name in ("auto_reconnect", "max_retries") if name in fields}
    with transaction.atomic():
        try:
            if outlet is None:
                outlet = outlet_create(**fields)
            else:
                outlet = outlet_update(outlet, **fields, may_change_number=not is_linked(outlet))
        except ValidationError as error:
            raise exceptions.ValidationError(_by_api_name(error)) from None
        if of_session:
            session_configure(outlet, **of_session)
    broadcast.session_changed(outlet.pk)
    return Outlet.objects.select_related("session").get(pk=outlet.pk)


def is_linked(outlet: Outlet) -> bool:
    """Whether a device is linked with the outlet's number, so that the number must stay."""
    return WhatsAppSession.objects.filter(pk=outlet.pk).exclude(jid="").exists()


def _by_api_name(error: ValidationError) -> dict[str, list[str]]:
    names = {field.source: name for name, field in OutletWrite().fields.items()}
    return {names.get(field, field): messages for field, messages in error.message_dict.items()}


def _shown(outlet: Outlet) -> dict[str, Any]:
    session: WhatsAppSession | None = getattr(outlet, "session", None)
    return {
        "outletId": outlet.public_id,
        "name": outlet.name,
        "whatsappNumber": outlet.whatsapp_number,
        "isActive": outlet.is_active,
        "autoReconnect": session.auto_reconnect if session else True,
        "maxRetries": session.max_retries if session else settings.WA_MAX_RETRIES,
    }
