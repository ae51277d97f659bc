"""What the registers give to the rest of the site, in one place: asked of versions, pinned, told, shown, counted."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from core.navigation import waiting_for
from data_registry.parts import version_parts as data_parts
from governance import services
from governance.due import falling_due
from governance.material import Material
from governance.models import Finding
from governance.parts import inbox_parts
from governance.permissions.exceptions import exceptions_waiting
from governance.pins import Pinned, also_pinned
from governance.registers import parts
from governance.requirements import Kind, kinds
from governance.requirements import findings as about_findings
from models_registry.history import subjects
from models_registry.parts import model_parts, overview_parts


def enrol() -> None:
    """Called once the apps are ready."""
    kinds.register(
        "findings",
        Kind(_("Findings"), about_findings.answer, check=about_findings.check, always=True, words=about_findings.words),
        order=30,
    )
    also_pinned.register("findings", Pinned(_("the findings"), about_findings.pinned))
    also_pinned.register("exceptions", Pinned(_("the exceptions"), exceptions_pinned))
    falling_due.register("exceptions", services.expire_exceptions, order=20)
    waiting_for.register("exceptions", exceptions_waiting)
    inbox_parts.register("exceptions", parts.exceptions_in_inbox, order=21)
    subjects.register(
        "exception",
        lambda version: ("exception", list(parts.exceptions_of(version).values_list("pk", flat=True))),
    )
    subjects.register(
        "finding", lambda version: ("finding", list(Finding.objects.concerning(version).values_list("pk", flat=True)))
    )
    waiting_for.register("findings", parts.waiting)
    overview_parts.register("registers", parts.of_version, order=150)
    model_parts.register("registers", parts.of_model, order=150)
    data_parts.register("registers", parts.of_data, order=150)
    inbox_parts.register("findings", parts.inbox, order=20)


def exceptions_pinned(material: Material) -> list[list[str]]:
    """The exceptions that stand, in what is signed."""
    return sorted([str(row.pk), row.kind, row.subject] for row in material.exceptions)
