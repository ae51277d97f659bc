"""Addresses of data under /api/v1/."""

from django.urls import path

from data_registry import api

urlpatterns = [
    path("datasets/", api.Datasets.as_view(), name="api-datasets"),
    path("datasets/<uuid:pk>/versions/", api.Versions.as_view(), name="api-dataset-versions"),
    path("dataset-versions/<uuid:pk>/", api.Version.as_view(), name="api-dataset-version"),
    path("dataset-versions/<uuid:pk>/content/", api.Content.as_view(), name="api-dataset-content"),
    path("dataset-versions/<uuid:pk>/location/", api.Location.as_view(), name="api-dataset-location"),
    path("dataset-versions/<uuid:pk>/registration/", api.Registration.as_view(), name="api-dataset-registration"),
    path("dataset-versions/<uuid:pk>/links/", api.Links.as_view(), name="api-dataset-links"),
    path("dataset-versions/<uuid:pk>/findings/", api.Findings.as_view(), name="api-pii-findings"),
    path("dataset-versions/<uuid:pk>/hold-out/", api.HoldOut.as_view(), name="api-dataset-hold-out"),
]
