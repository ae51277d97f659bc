"""Addresses under settings/: one's own keys, and people, teams and roles for administrators."""

from django.urls import path

from accounts import views

app_name = "settings"
urlpatterns = [
    path("keys/", views.keys, name="keys"),
    path("keys/<uuid:pk>/revocation/", views.revoke_key, name="revoke_key"),
    path("people/", views.people, name="people"),
    path("people/<uuid:pk>/", views.person, name="person"),
    path("people/<uuid:pk>/roles/", views.grant_role, name="grant_role"),
    path("people/<uuid:pk>/roles/revocation/", views.revoke_role, name="revoke_role"),
    path("people/<uuid:pk>/deactivation/", views.deactivate, name="deactivate"),
    path("people/<uuid:pk>/erasure/", views.erase, name="erase"),
    path("teams/", views.teams, name="teams"),
]
