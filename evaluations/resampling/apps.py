from collections.abc import Callable
from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ResamplingConfig(AppConfig):
    name = "evaluations.resampling"
    label = "resampling"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from evaluations.resampling.models import Combination, Fold, Resampling
        from evaluations.resampling.services import cancel_sets_of
        from evaluations.services import called_off_too
        from models_registry.history import subjects
        from models_registry.parts import Tab, version_tabs

        version_tabs.register("resampling", Tab(_("Cross-validation"), "resampling:version"), order=25)
        called_off_too.register("resampling", cancel_sets_of)
        subjects.register("resampling", _rows_of("resampling", Resampling, "version"))
        subjects.register("resampling_fold", _rows_of("resampling_fold", Fold, "resampling__version"))
        subjects.register("resampling_combination", _rows_of("resampling_combination", Combination, "resampling__version"))


def _rows_of(label: str, model: Any, path: str) -> Callable[[Any], tuple[str, list[Any]]]:
    return lambda version: (label, list(model.objects.filter(**{path: version}).values_list("pk", flat=True)))
