"""Logging in."""

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView as DjangoLoginView, redirect_to_login
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.throttling import PasswordThrottle


class LoginForm(AuthenticationForm):
    """Django's, but looks at no password for who asks too often."""

    def clean(self) -> dict[str, Any]:
        assert self.request is not None
        if not PasswordThrottle().allow_request(Request(self.request), APIView()):
            raise ValidationError(_("Too many attempts. Wait a minute and try again."), code="throttled")
        if len(self.cleaned_data.get("username", "")) > (self.username_field.max_length or 0):
            raise self.get_invalid_login_error()  # nobody's; and too long to be noted as an attempt
        return super().clean()


class LoginView(DjangoLoginView):
    """The one log-in page. Who is logged in already goes on to where they wanted."""

    template_name = "accounts/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_invalid(form)
        if form.has_error("__all__", "throttled"):
            response.status_code = 429
        return response


def admin_login(request: HttpRequest) -> HttpResponseBase:
    """The admin has no log-in of its own. Who is logged in and ends up here may not enter."""
    if request.user.is_authenticated:
        raise PermissionDenied
    return redirect_to_login(request.GET.get("next") or reverse("admin:index"))
