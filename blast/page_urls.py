"""Addresses of the pages of blasts."""

from django.urls import URLPattern, path

from blast import care_views, compose_views, flight_views, views

_BLAST = "blast/<str:blast_id>"

urlpatterns: list[URLPattern] = [
    path("blast", views.blasts, name="blasts"),
    path("blast/rows", views.blasts_rows, name="blasts-rows"),
    path("blast/new", compose_views.blast_new, name="blast-new"),
    path("blast/check", compose_views.blast_check, name="blast-check"),
    path("blast/problems", compose_views.blast_problems, name="blast-problems"),
    path("blast/preview", compose_views.blast_preview, name="blast-preview"),
    path("blast/outlets", compose_views.blast_outlets, name="blast-outlets"),
    path("blast/opt-outs", care_views.opt_outs, name="blast-opt-outs"),
    path("blast/opt-outs/<int:pk>/undo", care_views.opt_out_undo, name="blast-opt-out-undo"),
    path("blast/pace/<str:outlet_id>", care_views.pace, name="blast-pace"),
    path("blast/pace/<str:outlet_id>/release", care_views.release, name="blast-release"),
    path(_BLAST, views.blast, name="blast"),
    path(f"{_BLAST}/rows", views.blast_rows, name="blast-rows"),
    path(f"{_BLAST}/edit", compose_views.blast_edit, name="blast-edit"),
    path(f"{_BLAST}/preflight", flight_views.blast_preflight, name="blast-preflight"),
    path(f"{_BLAST}/preflight/asked", flight_views.blast_preflight_asked, name="blast-preflight-asked"),
    path(f"{_BLAST}/start", flight_views.blast_start, name="blast-start"),
    path(f"{_BLAST}/pause", views.blast_pause, name="blast-pause"),
    path(f"{_BLAST}/resume", views.blast_resume, name="blast-resume"),
    path(f"{_BLAST}/cancel", views.blast_cancel, name="blast-cancel"),
    path(f"{_BLAST}/retry", views.blast_retry, name="blast-retry"),
    path(f"{_BLAST}/export", views.blast_export, name="blast-export"),
]
