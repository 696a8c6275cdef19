"""Addresses of the connections' API. They stand before those of outlets, for which "status" would be an id."""

from django.urls import URLPattern, path

from wa_sessions import api, linking_api, metrics

_OUTLET = "api/outlets/<str:outlet_id>"

urlpatterns: list[URLPattern] = [
    path("api/outlets/status", api.StatusPageView.as_view(), name="api-status"),
    path(f"{_OUTLET}/status", api.StatusView.as_view(), name="api-outlet-status"),
    path(f"{_OUTLET}/connect", api.ConnectView.as_view(), name="api-connect"),
    path(f"{_OUTLET}/disconnect", api.DisconnectView.as_view(), name="api-disconnect"),
    path(f"{_OUTLET}/pause", api.PauseView.as_view(), name="api-pause"),
    path(f"{_OUTLET}/resume", api.ResumeView.as_view(), name="api-resume"),
    path(f"{_OUTLET}/unlink", api.UnlinkView.as_view(), name="api-unlink"),
    path(f"{_OUTLET}/qr", linking_api.QrView.as_view(), name="api-qr"),
    path(f"{_OUTLET}/pairing-code", linking_api.PairingCodeView.as_view(), name="api-pairing-code"),
    path(f"{_OUTLET}/flips", api.FlipsView.as_view(), name="api-flips"),
    path("metrics", metrics.MetricsView.as_view(), name="metrics"),
]
