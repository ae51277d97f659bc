from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TrackingConfig(AppConfig):
    name = "tracking"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from core.searching import Finder, finders
        from tracking import finding

        finders.register("runs", Finder(_("Training runs"), finding.runs), order=40)
