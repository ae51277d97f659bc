"""Where a version's bytes come from when they are another version's: its originals, its clones, and what follows from that.

The same bytes learned from the same data and were made by the same people, whatever model they are registered under. So what an
original learned from is named by its clones, too, whoever may see these data: personal data and rows seen in training follow
the weights. By which approval an original stands does not follow: that is of a version, not of bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING
from uuid import UUID

from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from data_registry.models import DatasetVersion
from models_registry.models import Inspection, Version, VersionData

if TYPE_CHECKING:
    from accounts.models import Person
    from models_registry.models import VersionQuerySet

State = Version.State
_TESTING = VersionData.Use.TESTING


def originals_of(version: Version) -> list[Version]:
    """The version that this one was cloned from, the one that that was cloned from, and so on. No query where there is none."""
    return lines_of([version])[version.pk][1:]


def lines_of(versions: Iterable[Version]) -> dict[UUID, list[Version]]:
    """Each version by its key with its originals behind it, the nearest first: one query for each step of the longest way."""
    lines = {one.pk: [one] for one in versions}
    while wanted := {original for line in lines.values() if (original := line[-1].source.get("version"))}:
        found = Version.objects.select_related("model__team", "training_run").in_bulk(wanted)
        for line in lines.values():
            if original := line[-1].source.get("version"):
                line.append(found[UUID(original)])
    return lines


def original_of(version: Version) -> Version | None:
    """The version that this one was cloned from."""
    return next(iter(originals_of(version)), None)


def clones_of(version: Version) -> VersionQuerySet:
    """The versions that were cloned from this one, newest first. Who shows them narrows them to what is seen."""
    return Version.objects.filter(source__version=str(version.pk)).order_by("-pk")


def learned_by(version: Version) -> Iterator[tuple[str, DatasetVersion]]:
    """What the weights were made with, by its use: a fact about the bytes, which their clones share."""
    for link in version.data.exclude(use=_TESTING).select_related("dataset_version__dataset"):
        yield link.use, link.dataset_version


def tested_on(version: Version, *, seen_by: Person) -> Iterator[tuple[str, DatasetVersion]]:
    """What the version is measured on, as far as the person sees it: a choice, which its clone may make anew."""
    rows = DatasetVersion.objects.visible_to(seen_by).filter(model_uses__version=version, model_uses__use=_TESTING)
    for one in rows.select_related("dataset").order_by("pk"):
        yield _TESTING, one


def why_not_cloned(version: Version, *, drafts: bool = False) -> str:
    """Why this version hands its bytes to no other now, in one sentence; "" where it does. What was stopped, refused or taken
    back is not spread under another name. `drafts`: a draft hands its bytes on, as MLflow's client copies it."""
    inspection = Inspection.objects.filter(version=version).first()
    if inspection is not None and inspection.verdict == Inspection.Verdict.REFUSED:
        said = _("The inspection refused the checkpoint of %(version)s, so it is not cloned: hand in bytes that pass it.")
    elif drafts and version.state == State.DRAFT:
        said = ""
    else:
        said = {
            State.DRAFT: _("%(version)s is a draft whose bytes may still change: submit it first, then clone it."),
            State.WITHDRAWN: _("%(version)s was withdrawn, so it is not cloned: choose a version that stands."),
            State.REJECTED: _("%(version)s was rejected, so it is not cloned: choose a version that stands."),
            State.SUSPENDED: _("%(version)s is suspended, so it is not cloned until a new review has approved it again."),
            State.RETIRED: _("%(version)s is retired, so it is not cloned: choose a version that stands."),
        }.get(State(version.state), "")
    return said % {"version": version} if said else ""


def keeps_bytes(version: Version) -> Version | None:
    """The original whose very bytes this version has: as long as it has them, it is given no others."""
    original = original_of(version)
    return original if original and original.checkpoint_digest == version.checkpoint_digest != "" else None


def not_taken_over(version: Version) -> str:
    """One sentence on what the original has and its clone does not; "" where nothing is missing."""
    original = original_of(version)
    if original is None:
        return ""
    tests = original.data.filter(use=_TESTING).exclude(
        dataset_version__in=version.data.filter(use=_TESTING).values("dataset_version")
    )
    parts = []
    if many := tests.count():
        said = ngettext("%(n)d dataset version that it is tested on", "%(n)d dataset versions that it is tested on", many)
        parts.append(said % {"n": many})
    if original.training_run is not None and version.training_run_id != original.training_run_id:
        parts.append(_("its training run, which is the team %(team)s's") % {"team": original.model.team.name})
    if not parts:
        return ""
    return _("Not taken over from %(original)s: %(parts)s.") % {"original": original, "parts": get_text_list(parts, _("and"))}
