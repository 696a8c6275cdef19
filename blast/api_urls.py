"""Addresses of the blasts' API."""

from django.urls import URLPattern, path

from blast import api, care_api

_BLAST = "api/blasts/<str:blast_id>"
_PACE = "api/outlets/<str:outlet_id>/pace"

urlpatterns: list[URLPattern] = [
    path("api/blasts", api.BlastsView.as_view(), name="api-blasts"),
    path(_BLAST, api.BlastView.as_view(), name="api-blast"),
    path(f"{_BLAST}/recipients", api.RecipientsView.as_view(), name="api-blast-recipients"),
    path(f"{_BLAST}/export", api.ExportView.as_view(), name="api-blast-export"),
    path(f"{_BLAST}/preflight", api.PreflightView.as_view(), name="api-blast-preflight"),
    path(f"{_BLAST}/start", api.StartView.as_view(), name="api-blast-start"),
    path(f"{_BLAST}/pause", api.PauseView.as_view(), name="api-blast-pause"),
    path(f"{_BLAST}/resume", api.ResumeView.as_view(), name="api-blast-resume"),
    path(f"{_BLAST}/cancel", api.CancelView.as_view(), name="api-blast-cancel"),
    path(f"{_BLAST}/retry", api.RetryView.as_view(), name="api-blast-retry"),
    path("api/opt-outs", care_api.OptOutsView.as_view(), name="api-opt-outs"),
    path("api/opt-outs/<int:opt_out_id>/undo", care_api.OptOutUndoView.as_view(), name="api-opt-out-undo"),
    path(_PACE, care_api.PaceView.as_view(), name="api-pace"),
    path(f"{_PACE}/release", care_api.PaceReleaseView.as_view(), name="api-pace-release"),
]
