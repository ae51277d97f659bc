from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MonitoringConfig(AppConfig):
    name = "monitoring"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from core.navigation import waiting_for
        from governance.parts import inbox_parts
        from models_registry.history import subjects
        from models_registry.parts import Tab, overview_parts, version_tabs
        from monitoring import views
        from monitoring.models import Alert

        version_tabs.register("monitoring", Tab(_("Monitoring"), "monitoring:version"), order=50)
        overview_parts.register("monitoring", views.overview, order=200)
        waiting_for.register("alerts", views.waiting_alerts)
        inbox_parts.register("alerts", views.inbox, order=10)
        subjects.register(
            "alert", lambda version: ("alert", list(Alert.objects.filter(version=version).values_list("pk", flat=True)))
        )
