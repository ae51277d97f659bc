"""What a digest or a number names, among the things that the person sees."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from audit.models import Report
from audit.trail import entries_for
from data_registry.models import DatasetVersion
from evaluations.models import EvaluationRun
from ledger.sentences import sentence_of
from models_registry.models import ModelCard, Version

if TYPE_CHECKING:
    from accounts.models import Person
    from ledger.models import Entry

DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{64})\Z")
NUMBER = re.compile(r"[0-9]{1,15}\Z")
MOST = 20


@dataclass(frozen=True, slots=True)
class Match:
    """One thing that the text names."""

    what: str
    label: str
    href: str


def look_up(text: str, *, by: Person) -> list[Match] | None:
    """The things that a digest or a number names; None where the text is neither."""
    sought = text.strip().lower().replace(" ", "")
    if NUMBER.match(sought):
        return [_entry(one) for one in entries_for(by).filter(leaf__index=int(sought))]
    found = DIGEST.match(sought)
    return _of_digest(found[1], by) if found else None


def _entry(entry: Entry) -> Match:
    index = entry.leaf.index
    return Match(_("Entry %(index)s of the log") % {"index": index}, sentence_of(entry), reverse("audit:entry", args=[index]))


def _of_digest(hexadecimal: str, by: Person) -> list[Match]:
    digest = f"sha256:{hexadecimal}"
    versions = Version.objects.visible_to(by)
    runs = EvaluationRun.objects.visible_to(by).select_related("suite", "version__model")
    matches = [
        Match(_("File of a report") if one.pdf_digest == digest else _("Content of a report"), str(one), one.get_absolute_url())
        for one in Report.objects.visible_to(by)
        .filter(Q(pdf_digest=digest) | Q(content_digest=digest))
        .select_related("version__model")[:MOST]
    ]
    matches += [
        Match(_("Checkpoint"), str(one), one.get_absolute_url())
        for one in versions.filter(checkpoint_digest=digest).select_related("model")[:MOST]
    ]
    matches += [
        Match(_("Model card"), str(one), one.version.get_absolute_url())
        for one in ModelCard.objects.filter(version__in=versions, digest=digest).select_related("version__model")[:MOST]
    ]
    matches += [
        Match(_("Results of an evaluation"), str(one), reverse("evaluations:checks", args=[one.version_id]))
        for one in runs.filter(results_digest=digest)[:MOST]
    ]
    matches += [
        Match(_("Content of a dataset version"), str(one), one.get_absolute_url())
        for one in DatasetVersion.objects.visible_to(by).filter(digest=digest).select_related("dataset")[:MOST]
    ]
    matches += [_entry(one) for one in entries_for(by).filter(leaf_hash=bytes.fromhex(hexadecimal))[:MOST]]
    return matches
