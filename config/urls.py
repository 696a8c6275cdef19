"""Every address of the program. They are spelled without a slash at the end; `PathMiddleware` takes both."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.i18n import set_language

from config import api_docs, errors, health
from wa_sessions.outlets_api import OutletsView, OutletView

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("wa_sessions.api_urls")),  # first: the status is what is asked for most
    path("", include("accounts.urls")),
    path("", include("outlets.urls")),
    path("", include("wa_sessions.page_urls")),
    path("", include("blast.page_urls")),
    path("", include("blast.api_urls")),
    path("api/outlets", OutletsView.as_view(), name="api-outlets"),
    path("api/outlets/<str:outlet_id>", OutletView.as_view(), name="api-outlet"),  # after api/outlets/status
    path("i18n/setlang", set_language, name="set_language"),
    path("api/schema", api_docs.SchemaView.as_view(), name="api-schema"),
    path("api/docs", api_docs.DocsView.as_view(url_name="api-schema"), name="api-docs"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("admin/", admin.site.urls),
    re_path(r"^api(?:/|$)", errors.api_not_found),
]

handler400 = "config.errors.bad_request"
handler403 = "config.errors.permission_denied"
handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"

admin.site.site_title = admin.site.site_header = "Gerai"
