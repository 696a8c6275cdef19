"""`/api/auth/token`: a token for a password, and the end of a token."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers, status
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from accounts import services
from accounts.authentication import BearerAuthentication
from accounts.models import ApiToken
from accounts.throttling import PasswordThrottle


class WrongPassword(exceptions.APIException):
    status_code = status.HTTP_401_UNAUTHORIZED
    default_code = "wrong_credentials"
    default_detail = _("Username and password do not match, or the account is not active.")
    auth_header = BearerAuthentication.keyword


class NoToken(exceptions.APIException):
    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "no_token"
    default_detail = _("Send the token that is to be revoked as the Bearer token.")


class TokenRequest(serializers.Serializer[dict[str, Any]]):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=1000, trim_whitespace=False, write_only=True)
    name = serializers.CharField(max_length=80, required=False, allow_blank=True, help_text="What the token is for.")


class TokenAnswer(serializers.Serializer[dict[str, Any]]):
    success = serializers.BooleanField()
    token = serializers.CharField(help_text="Shown this once.")
    expiresAt = serializers.DateTimeField()  # noqa: N815


class Done(serializers.Serializer[dict[str, Any]]):
    success = serializers.BooleanField()


class TokenView(APIView):
    def get_permissions(self) -> Sequence[Any]:
        return [AllowAny()] if self.request.method == "POST" else super().get_permissions()

    def get_authenticators(self) -> list[BaseAuthentication]:
        # Who asks for a token has none; a stale one in the header must not stand in the way.
        request = getattr(self, "request", None)
        return [] if request is not None and request.method == "POST" else super().get_authenticators()

    def get_throttles(self) -> list[BaseThrottle]:
        return [PasswordThrottle()] if self.request.method == "POST" else []

    @extend_schema(operation_id="token_issue", request=TokenRequest, responses={200: TokenAnswer}, auth=[])
    def post(self, request: Request) -> Response:
        """A Bearer token for a username and a password. Its text is given this once."""
        form = TokenRequest(data=request.data)
        form.is_valid(raise_exception=True)
        issued = services.token_issue(request._request, **form.validated_data)
        if issued is None:
            raise WrongPassword
        text, token = issued
        answer = {"success": True, "token": text, "expiresAt": f"{token.expires_at:%Y-%m-%dT%H:%M:%SZ}"}
        return Response(answer, headers={"Cache-Control": "no-store"})

    @extend_schema(operation_id="token_revoke", request=None, responses={200: Done})
    def delete(self, request: Request) -> Response:
        """Revoke the token that this request carries."""
        if not isinstance(request.auth, ApiToken):
            raise NoToken
        services.token_revoke(request.auth)
        return Response({"success": True})
