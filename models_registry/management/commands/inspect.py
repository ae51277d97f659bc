"""`python manage.py inspect FILE…`: what each file is and whether it may be loaded, as one JSON line. Needs no database."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils.translation import gettext_lazy as _

import sandbox
from models_registry.inspection.formats import Format
from models_registry.inspection.gate import inspect_file
from models_registry.inspection.report import Reason, StaticReport, Verdict


class Command(BaseCommand):
    help = str(_("Say what each checkpoint file is and whether it may be loaded; exit with 1 if any is refused."))
    requires_system_checks: list[str] = []  # type: ignore[assignment]  # Django's documented way to ask for none

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE")
        parser.add_argument(
            "--deep", action="store_true", help=str(_("load each accepted file in the sandbox and describe its tensors"))
        )

    def handle(self, *args: Any, files: list[str], deep: bool, **options: Any) -> None:
        refused = False
        for name in files:
            report = _read(name)
            if deep and report.verdict != Verdict.REFUSED:
                report = _look_deeper(report)
            refused |= report.verdict == Verdict.REFUSED
            # ASCII: a name may hold bytes that are no text, which no terminal's encoding could print.
            self.stdout.write(json.dumps(report.as_json(), ensure_ascii=True))
        if refused:
            sys.exit(1)


def _read(name: str) -> StaticReport:
    try:
        return inspect_file(name)
    except MemoryError:
        said = "There is not enough memory here to examine the file."
        return StaticReport(
            path=name, format=Format.UNKNOWN, verdict=Verdict.REFUSED, reasons=[Reason(code="memory", sentence=said)]
        )


def _look_deeper(report: StaticReport) -> StaticReport:
    """The report with what loading the file in the sandbox adds."""
    package = Path(settings.BASE_DIR, "models_registry", "inspection")
    module, inputs = "models_registry.inspection.child", {"checkpoint": Path(report.path)}
    try:
        with sandbox.run(module, inputs=inputs, job={}, roots=[package], need=sandbox.Level.L1) as outcome:
            found, said = outcome.result, outcome.sentence
            level = str(outcome.level)
    except sandbox.SandboxRefused as refusal:  # the file went away meanwhile
        found, said, level = None, str(refusal), "L0"
    if not isinstance(found, dict):
        reason = Reason(code="not_inspected", sentence=said)
        return replace(report, verdict=Verdict.REFUSED, reasons=[reason])
    reasons = [Reason(**reason) for reason in found["reasons"]]
    return replace(report, verdict=Verdict(found["verdict"]), reasons=reasons, facts=found["facts"] | {"sandbox_level": level})
