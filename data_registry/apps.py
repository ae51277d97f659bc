from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DataRegistryConfig(AppConfig):
    name = "data_registry"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from core.searching import Finder, finders
        from data_registry import finding

        finders.register("datasets", Finder(_("Datasets"), finding.datasets), order=30)
