"""The auditor's pages. Who may open each stands in config/access.py."""

from __future__ import annotations

from django.urls import path

from audit.views import reports, trail, verify

app_name = "audit"
urlpatterns = [
    path("trail/", trail.trail, name="trail"),
    path("trail/export/", trail.export, name="export"),
    path("trail/check/", trail.check_log, name="check_log"),
    path("trail/<int:index>/", trail.entry, name="entry"),
    path("trail/<int:index>/proof/", trail.proof, name="proof"),
    path("reports/", reports.reports, name="reports"),
    path("reports/<uuid:pk>/", reports.report, name="report"),
    path("reports/<uuid:pk>/pdf/", reports.report_pdf, name="report_pdf"),
    path("verify/", verify.verify, name="verify"),
]
