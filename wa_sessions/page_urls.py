from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, path, re_path
from django.views.generic import RedirectView

from wa_sessions import admin_views, link_views, simulator_recipients, simulator_views, views

_OUTLET = "outlets/<str:outlet_id>"

urlpatterns: list[URLPattern] = [
    path("", RedirectView.as_view(pattern_name="outlet-status"), name="home"),
    path("outlet-status", views.outlet_status, name="outlet-status"),
    path("outlet-status/rows", views.outlet_status_rows, name="outlet-status-rows"),
    path("outlet-status/<str:outlet_id>", views.outlet_status_details, name="outlet-status-details"),
    path("outlets", views.outlets, name="outlets"),
    path("outlets/rows", views.outlets_rows, name="outlets-rows"),
    path(f"{_OUTLET}/link", link_views.outlet_link, name="outlet-link"),
    path(f"{_OUTLET}/qr", link_views.outlet_qr, name="outlet-qr"),
    path(f"{_OUTLET}/pairing-code", link_views.outlet_pairing_code, name="outlet-pairing-code"),
    path(f"{_OUTLET}/connect", link_views.outlet_connect, name="outlet-connect"),
    path(f"{_OUTLET}/disconnect", link_views.outlet_disconnect, name="outlet-disconnect"),
    path(f"{_OUTLET}/pause", link_views.outlet_pause, name="outlet-pause"),
    path(f"{_OUTLET}/resume", link_views.outlet_resume, name="outlet-resume"),
    path(f"{_OUTLET}/unlink", link_views.outlet_unlink, name="outlet-unlink"),
    path(f"{_OUTLET}/auto-reconnect", link_views.outlet_auto_reconnect, name="outlet-auto-reconnect"),
    # Stands before the admin's own addresses.
    re_path(r"^admin/outlet-status/?$", admin.site.admin_view(admin_views.outlet_status), name="admin-outlet-status"),
    path(
        "admin/outlet-status/rows",
        admin.site.admin_view(admin_views.outlet_status_rows),
        name="admin-outlet-status-rows",
    ),
]

simulator_urlpatterns: list[URLPattern] = [
    path("simulator", simulator_views.simulator, name="simulator"),
    path("simulator/rows", simulator_views.simulator_rows, name="simulator-rows"),
    path("simulator/do", simulator_views.simulator_do, name="simulator-do"),
    path("simulator/recipient", simulator_recipients.simulator_recipient, name="simulator-recipient"),
]
if getattr(settings, "WA_SIMULATOR_CONTROL", ""):
    urlpatterns += simulator_urlpatterns
