from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "audit"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from audit import events, parts, visibility  # noqa: F401 - the events are registered by being imported
        from audit.models import Report
        from ledger.visibility import entries_visible_to
        from models_registry.history import subjects
        from models_registry.parts import overview_parts

        entries_visible_to.register("audit", visibility.entries_opened_to)
        subjects.register(
            "report", lambda version: ("report", list(Report.objects.filter(version=version).values_list("pk", flat=True)))
        )
        overview_parts.register("audit", parts.overview, order=200)
