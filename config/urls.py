"""Every address of the site. Who may open each stands in config/access.py; a test holds the two together."""

from django.urls import URLPattern, URLResolver, include, path

from config import api_pages, health
from core.views import search, styleguide

api: list[URLPattern | URLResolver] = [
    path("", include("accounts.api_urls")),
    path("", include("data_registry.api_urls")),
    path("", include("tracking.api_urls")),
    path("", include("models_registry.api_urls")),
    path("", include("evaluations.api_urls")),
    path("", include("evaluations.resampling.api_urls")),
    path("", include("governance.api_urls")),
    path("", include("monitoring.api_urls")),
    path("", include("audit.api_urls")),
    path("", include("ledger.api_urls")),
    path("schema/", api_pages.Schema.as_view(), name="api-schema"),
    path("docs/", api_pages.docs, name="api-docs"),
]

urlpatterns = [
    path("", include("governance.urls")),
    path("", include("evaluations.urls")),
    path("", include("evaluations.resampling.urls")),
    path("", include("models_registry.urls")),
    path("", include("data_registry.urls")),
    path("", include("tracking.urls")),
    path("", include("monitoring.urls")),
    path("", include("audit.urls")),
    path("accounts/", include("accounts.urls")),
    path("settings/", include("accounts.settings_urls")),
    path("search/", search, name="search"),
    path("styleguide/", styleguide, name="styleguide"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("api/v1/", include(api)),
    path("", include("models_registry.mlflow.urls")),
]
handler400 = "config.refusals.unreadable"
handler403 = "config.refusals.not_allowed"
handler404 = "config.refusals.not_found"
handler500 = "config.refusals.failed"
