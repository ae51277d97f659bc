"""Addresses of training runs under /api/v1/."""

from django.urls import path

from tracking import api

urlpatterns = [
    path("runs/", api.Runs.as_view(), name="api-runs"),
    path("runs/<uuid:pk>/", api.Run.as_view(), name="api-run"),
]
