"""Addresses of outlets: the pages that change one. The list of them shows connections too and lives with those."""

from django.urls import URLPattern, path

from outlets import views

urlpatterns: list[URLPattern] = [
    path("outlets/new", views.outlet_add, name="outlet-add"),
    path("outlets/<str:outlet_id>/edit", views.outlet_edit, name="outlet-edit"),
    path("outlets/<str:outlet_id>/deactivate", views.outlet_deactivate, name="outlet-deactivate"),
    path("outlets/<str:outlet_id>/activate", views.outlet_activate, name="outlet-activate"),
]
