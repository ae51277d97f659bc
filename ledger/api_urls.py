from __future__ import annotations

from django.urls import path

from ledger import api

urlpatterns = [
    path("log/seal/", api.LogSeal.as_view(), name="api-log-seal"),
    path("log/consistency/", api.LogConsistency.as_view(), name="api-log-consistency"),
    path("log/entries/", api.LogEntries.as_view(), name="api-log-entries"),
    path("log/entries/<int:index>/", api.LogEntry.as_view(), name="api-log-entry"),
]
