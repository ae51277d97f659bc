from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ModelsRegistryConfig(AppConfig):
    name = "models_registry"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from core.searching import Finder, finders
        from data_registry.uses import LEARNED_FROM, USES
        from ledger.protection import protect
        from models_registry import cloned_parts, drafts, finding, history, narrowing
        from models_registry.history import subjects
        from models_registry.models import Inspection, ModelCard, RegisteredFile
        from models_registry.parts import Tab, overview_parts, version_tabs
        from models_registry.runs import register_button, versions_of
        from tracking.parts import run_buttons, run_parts

        narrowing.register()
        finders.register("models", Finder(_("Models"), finding.models), order=10)
        finders.register("versions", Finder(_("Versions"), finding.versions), order=20)
        version_tabs.register("overview", Tab(_("Overview"), "models_registry:version"), order=10)
        version_tabs.register("evidence", Tab(_("Evidence"), "models_registry:evidence"), order=30)
        version_tabs.register("history", Tab(_("History"), "models_registry:history"), order=40)
        subjects.register(
            "inspection",
            lambda version: ("inspection", list(Inspection.objects.filter(version=version).values_list("pk", flat=True))),
        )
        overview_parts.register("run of a draft", drafts.parts_of, order=200)
        overview_parts.register("descent", cloned_parts.parts_of, order=210)
        run_buttons.register("registering", register_button)
        run_parts.register("versions", versions_of)
        USES.register("versions", history.uses_of)
        LEARNED_FROM.register("versions", history.learned_from)
        protect(ModelCard)
        protect(RegisteredFile)
