from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EvaluationsConfig(AppConfig):
    name = "evaluations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from data_registry.parts import version_parts
        from evaluations import parts
        from evaluations.inputs import OTHERS, training_of
        from evaluations.models import Chart, EvaluationRun, Metric, Suite
        from ledger.protection import protect
        from models_registry.history import subjects
        from models_registry.parts import Tab, version_tabs

        version_tabs.register("checks", Tab(_("Checks"), "evaluations:checks"), order=20)
        subjects.register(
            "evaluation",
            lambda version: ("evaluation", list(EvaluationRun.objects.filter(version=version).values_list("pk", flat=True))),
        )
        version_parts.register("measurements", parts.measurements)
        OTHERS.register("training", training_of)
        for table in (Suite, Metric, Chart):
            protect(table)
