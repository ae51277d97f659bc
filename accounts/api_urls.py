"""Addresses of people, teams, roles and keys under /api/v1/."""

from django.urls import path

from accounts import api

urlpatterns = [
    path("me/", api.Me.as_view(), name="api-me"),
    path("people/", api.People.as_view(), name="api-people"),
    path("people/<uuid:pk>/roles/", api.Roles.as_view(), name="api-roles"),
    path("teams/", api.Teams.as_view(), name="api-teams"),
    path("keys/", api.Keys.as_view(), name="api-keys"),
    path("keys/<uuid:pk>/", api.Key.as_view(), name="api-key"),
]
