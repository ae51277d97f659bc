from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class GovernanceConfig(AppConfig):
    name = "governance"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts.erasure import ERASERS
        from core.navigation import waiting_for
        from evaluations.inputs import OTHERS
        from evaluations.jobs import settled as evaluation_settled
        from governance import (
            code_sets,
            dates_and_emergencies,
            delegations,
            discussing,
            environments,
            erasing,
            live,
            overdue,
            parts,
            pins,
            policies,
            requirements,
            reviewing,
            signatures_and_conditions,
        )
        from governance.models import (
            Attestation,
            CodeOutcome,
            Evidence,
            Policy,
            Review,
        )
        from governance.registers import enrolling
        from governance.requirements import Kind, code_review, inspection, standing
        from governance.requirements import evaluations as measured
        from governance.views.webhooks import inbox as webhooks_inbox
        from ledger.protection import protect
        from models_registry.aliases import ReleaseAliases, released_as
        from models_registry.history import subjects
        from models_registry.jobs import settled as inspection_settled
        from models_registry.parts import ListColumn, Tab, list_columns, model_parts, overview_parts, version_tabs

        requirements.kinds.register(
            "inspection", Kind(_("Inspection"), inspection.answer, always=True, excusable=False), order=10
        )
        requirements.kinds.register("thresholds", Kind(_("Evaluations"), measured.thresholds, always=True), order=20)
        requirements.kinds.register("verified", Kind(_("Verified numbers"), measured.verified, always=True), order=21)
        requirements.kinds.register("repeats", Kind(_("Repeats"), measured.repeats, always=True), order=22)
        standing.register()
        enrolling.enrol()
        for concept in (overdue, signatures_and_conditions, dates_and_emergencies, delegations):
            concept.register()
        requirements.kinds.register(
            "code_review", Kind(_("Code review"), code_review.answer, check=code_review.check, words=code_review.words), order=40
        )
        pins.also_pinned.register("code", pins.Pinned(_("the code and its review"), code_sets.pinned_code))
        parts.inbox_parts.register("questions", discussing.inbox, order=60)
        waiting_for.register("questions", lambda person: discussing.waiting_on(person).count())
        version_tabs.register("code", Tab(_("Code"), "governance:code"), order=36)
        protect(Attestation)
        protect(CodeOutcome)
        protect(Policy, when="OLD.state = 'published'")
        parts.inbox_parts.register("webhooks", webhooks_inbox, order=90)
        subjects.register(
            "review", lambda version: ("review", list(Review.objects.filter(version=version).values_list("pk", flat=True)))
        )
        subjects.register("release", lambda version: ("release", list(version.releases.values_list("pk", flat=True))))
        subjects.register(
            "evidence", lambda version: ("evidence", list(Evidence.objects.about(version).values_list("pk", flat=True)))
        )
        version_tabs.register("changes", Tab(_("What changed"), "governance:changes"), order=35)
        overview_parts.register("governance", parts.overview)
        model_parts.register("governance", parts.model)
        list_columns.register("live", ListColumn(_("Live"), "governance/part_live_column.html", parts.live_versions))
        waiting_for.register("reviews", lambda person: Review.objects.visible_to(person).signable_by(person).count())
        ERASERS.register("governance", erasing.erase)
        inspection_settled.register("governance", reviewing.after_inspection)
        OTHERS.register("production", live.predictions_of_live)
        released_as.register("environments", ReleaseAliases(environments.names, live.live_versions))
        evaluation_settled.register("governance", reviewing.after_evaluation)

        def install(**_options: Any) -> None:
            environments.install()
            policies.install()

        post_migrate.connect(install, sender=self, weak=False, dispatch_uid="governance.policies")
