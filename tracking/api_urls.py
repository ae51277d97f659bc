"""Addresses of experiments and training runs under /api/v1/."""

from django.urls import path

from tracking.api import artifacts, curves, experiments, runs
from tracking.searching.api import RunComparison

urlpatterns = [
    path("experiments/", experiments.Experiments.as_view(), name="api-experiments"),
    path("runs/", runs.Runs.as_view(), name="api-runs"),
    path("runs/comparison/", RunComparison.as_view(), name="api-run-comparison"),
    path("runs/<uuid:pk>/", runs.Run.as_view(), name="api-run"),
    path("runs/<uuid:pk>/log/", runs.RunLog.as_view(), name="api-run-log"),
    path("runs/<uuid:pk>/end/", runs.RunEnd.as_view(), name="api-run-end"),
    path("runs/<uuid:pk>/reopening/", runs.RunReopening.as_view(), name="api-run-reopening"),
    path("runs/<uuid:pk>/series/", curves.RunSeries.as_view(), name="api-run-series"),
    path("runs/<uuid:pk>/artifacts/", artifacts.RunArtifacts.as_view(), name="api-run-artifacts"),
    path("runs/<uuid:pk>/artifacts/<path:path>", artifacts.RunArtifact.as_view(), name="api-run-artifact"),
]
