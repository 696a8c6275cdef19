from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, path

from accounts.api import TokenView
from accounts.views import LoginView, admin_login

urlpatterns: list[URLPattern] = [
    path("login", LoginView.as_view(), name="login"),
    path("logout", LogoutView.as_view(), name="logout"),
    path("admin/login/", admin_login),  # stands before the admin's own
    path("api/auth/token", TokenView.as_view(), name="api-token"),
]
