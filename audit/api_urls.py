from __future__ import annotations

from django.urls import path

from audit import api

urlpatterns = [
    path("trust/", api.Trust.as_view(), name="api-trust"),
    path("reports/", api.Reports.as_view(), name="api-reports"),
    path("reports/<uuid:pk>/", api.ReportDetail.as_view(), name="api-report"),
    path("reports/<uuid:pk>/pdf/", api.ReportPdf.as_view(), name="api-report-pdf"),
]
