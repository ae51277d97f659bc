"""The sections of the page that lists what changed between two versions, each with what it cannot know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.components import formatting
from evaluations.models import EvaluationRun, Metric
from evaluations.services import verdict_of
from governance.code_sets import latest_code
from governance.comparing import Side, construction
from governance.models import Review
from models_registry.models import Version, VersionData
from tracking.comparing.code import code_sides, compare_address
from tracking.comparing.rows import Sides, sides
from tracking.comparing.surroundings import machine_sides, package_sides
from tracking.models import TrainingRun

MOST = 200  # changes told of one section; how many more there are is said
LONGEST = 1_000  # characters of one value

_CODE = {
    "repository": gettext_lazy("Repository"), "remote": gettext_lazy("Remote"), "branch": gettext_lazy("Branch"),
    "commit": gettext_lazy("Commit"), "tree": gettext_lazy("Tree"), "entry": gettext_lazy("Training file"),
    "dirty": gettext_lazy("Uncommitted changes"), "patch_digest": gettext_lazy("Patch of the uncommitted changes"),
    "untracked": gettext_lazy("Untracked files"),
}  # fmt: skip
_MACHINE = {
    "python": gettext_lazy("Python"), "platform": gettext_lazy("Platform"), "accelerator": gettext_lazy("Accelerator"),
    "host_kind": gettext_lazy("Kind of host"), "user": gettext_lazy("User there"), "lock_digest": gettext_lazy("Lock file"),
    "cpu": gettext_lazy("Processor"), "cores": gettext_lazy("Cores"), "memory_bytes": gettext_lazy("Memory in bytes"),
    "accelerators": gettext_lazy("Accelerators"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Section:
    """One kind of cause: items as `{% changes %}` shows them, sentences about what is not known, addresses that show more."""

    name: str
    title: str
    items: list[dict[str, Any]]
    notes: list[str] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)  # words, address
    claimed: bool = False  # told from what a client reported
    first: int = MOST  # so many items stand open on the page, the others folded

    @property
    def shown(self) -> list[dict[str, Any]]:
        return self.items[: self.first]

    @property
    def folded(self) -> list[dict[str, Any]]:
        """What no threshold is set for: told, but not in the way."""
        return self.items[self.first :]


def approved_before(version: Version) -> Version | None:
    """The version of the model that was approved last among those before it; where none was, the one before it."""
    review = (
        Review.objects.filter(
            version__model=version.model_id,
            version__number__lt=version.number,
            outcome__in=("approved", "approved_with_conditions"),
        )
        .order_by("-concluded_at")
        .first()
    )
    earlier = Version.objects.of(version.model).with_parts().filter(number__lt=version.number).exclude(submitted_at=None)
    return earlier.filter(pk=review.version_id).first() if review else earlier.first()


def sections_of(before: Version, after: Version) -> list[Section]:
    """What changed from one version to the other. A constant number of queries."""
    then, now = before.training_run, after.training_run
    return [
        _code(before, after, then, now),
        _data(before, after),
        _parameters(before, after, then, now),
        _environment(before, after, then, now),
        _weights(before, after),
        _results(before, after),
    ]


def _section(name: str, title: str, items: list[dict[str, Any]], notes: Iterable[str] = (), **more: Any) -> Section:
    told = [*notes]
    if len(items) > MOST:
        told.append(_("%(n)d more changes are not shown; the runs and the API have all.") % {"n": len(items) - MOST})
    return Section(name, title, items[:MOST], told, **more)


def _change(label: str, before: str | None, after: str | None) -> dict[str, Any]:
    kind = "changed" if before and after else "added" if after else "removed"
    return {"kind": kind, "label": label, "before": (before or "")[:LONGEST], "after": (after or "")[:LONGEST]}


def _differing(found: Sides, labels: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    return [_change(str((labels or {}).get(row.name, row.name))[:200], row.values[0], row.values[1]) for row in found.differing]


def _unknown(versions: Iterable[tuple[Version, TrainingRun | None]], what: str, facts: str = "") -> list[str]:
    """A sentence for each side of which nothing is known."""
    said = []
    for version, run in versions:
        if run is None:
            said.append(
                _("%(version)s names no training run, so its %(what)s is not known.") % {"version": version, "what": what}
            )
        elif facts and not getattr(run, facts):
            said.append(
                _("The training run of %(version)s reported nothing of its %(what)s.") % {"version": version, "what": what}
            )
    return said


def _code(before: Version, after: Version, then: TrainingRun | None, now: TrainingRun | None) -> Section:
    notes = _unknown([(before, then), (after, now)], _("code"), "code")
    links: list[tuple[str, str]] = []
    items: list[dict[str, Any]] = []
    if then and now and not notes:
        items = _differing(code_sides([then.code, now.code]), _CODE)
        if address := compare_address(then.code, now.code):
            links.append((_("The commits in between, at the repository's host"), address))
        elif then.code.get("commit") != now.code.get("commit"):
            notes.append(_("The commits in between are known to the repository alone; it has no address here that shows them."))
        notes += [
            _("%(version)s was trained with changes that no commit holds, and their patch was not kept.") % {"version": version}
            for version, run in ((before, then), (after, now))
            if run.code.get("dirty") and not run.code.get("patch_digest")
        ]
    if then and now and then.pk == now.pk:
        notes.append(_("Both stand on the same training run."))
    elif then and now:
        links.append((_("The two training runs side by side"), f"{reverse('tracking:compare')}?run={then.pk}&run={now.pk}"))
    sent = latest_code(after)
    if sent is not None and sent.base_version_id == before.pk:
        items += [_change(str(commit), None, commit.subject or "…") for commit in sent.commits.all()[:MOST]]
    if sent is not None:
        links.append((_("Commits and differences line by line, and what reviewers came to"), sent.get_absolute_url()))
    return _section("code", _("Code"), items, notes, links=links, claimed=True)


def _data(before: Version, after: Version) -> Section:
    links = VersionData.objects.filter(version__in=[before.pk, after.pk]).select_related("dataset_version__dataset")
    uses: dict[tuple[str, Any], dict[Any, list[str]]] = {}
    bytes_of: dict[tuple[str, Any], set[str]] = {}
    for link in links:
        data = link.dataset_version
        word = f"{data} · {formatting.short_digest(data.digest)}"
        uses.setdefault((link.use, data.dataset_id), {}).setdefault(link.version_id, []).append(word)
        bytes_of.setdefault((link.use, data.dataset_id), set()).add(data.digest)
    items, notes = [], []
    for (use, dataset), sides_of in sorted(uses.items(), key=lambda entry: (entry[0][0], str(entry[1]))):
        one, other = ("\n".join(sorted(sides_of.get(version.pk, []))) for version in (before, after))
        if one != other:
            label = str(VersionData.Use(use).label)
            if len(bytes_of[use, dataset]) == 1 and one and other:
                label = _("%(use)s: the same bytes, under another number") % {"use": label}
            items.append(_change(label, one, other))
    notes += [
        _("%(version)s names no data.") % {"version": version}
        for version in (before, after)
        if not any(version.pk in found for found in uses.values())
    ]
    return _section("data", _("Data"), items, notes)


def _parameters(before: Version, after: Version, then: TrainingRun | None, now: TrainingRun | None) -> Section:
    notes = _unknown([(before, then), (after, now)], _("parameters"))
    items = construction(Side(before, {}), Side(after, {}))
    if then and now:
        items += _differing(sides([then.params, now.params]))
    return _section("parameters", _("Parameters"), items, notes, claimed=True)


def _environment(before: Version, after: Version, then: TrainingRun | None, now: TrainingRun | None) -> Section:
    notes = _unknown([(before, then), (after, now)], _("environment"), "environment")
    items: list[dict[str, Any]] = []
    if then and now and not notes:
        both = [then.environment, now.environment]
        items = _differing(machine_sides(both), _MACHINE) + _differing(package_sides(both))
    return _section("environment", _("Environment"), items, notes, claimed=True)


def _weights(before: Version, after: Version) -> Section:
    title = _("Weights")
    if before.checkpoint_digest and before.checkpoint_digest == after.checkpoint_digest:
        return _section("weights", title, [], [_("Both have the very same bytes.")])
    told = [_words_of(version) for version in (before, after)]
    items = [_change(_("Checkpoint"), *told)]
    facts = after.inspection.facts if hasattr(after, "inspection") else {}
    difference = facts.get("difference") or {}
    compared = difference.get("previous") or {}
    if compared.get("id") != str(before.pk):
        against = _("the inspection of %(after)s compared it with v%(number)s") % {
            "after": after,
            "number": compared.get("number"),
        }
        why = against if compared else _("no inspection compared the two")
        return _section("weights", title, items, [_("Which tensors changed is not known: %(why)s.") % {"why": why}])
    if difference.get("not_compared"):
        return _section("weights", title, items, [str(difference["not_compared"])])
    counts = difference.get("counts") or {}
    words = {"same": difference.get("same"), **{name: counts.get(name) for name in ("changed", "added", "removed", "reshaped")}}
    sentence = _("Of the tensors %(same)s are the same, %(changed)s changed, %(added)s came, %(removed)s went.") % words
    if words["reshaped"]:
        sentence += " " + _("%(reshaped)s have another shape.") % words
    for one in difference.get("changed") or []:
        share = _("unknown") if one.get("relative") is None else formatting.measure(one["relative"], "fraction")
        words = {
            "kind": "changed",
            "label": str(one["name"]),
            "before": "",
            "after": _("by %(share)s of its norm") % {"share": share},
        }
        items.append(words)
    for name in ("added", "removed"):
        for one in difference.get(name) or []:
            shape = "×".join(str(size) for size in one.get("shape", [])) or _("a single number")
            items.append(_change(str(one["name"]), *((shape, "") if name == "removed" else ("", shape))))
    links = [(_("Every changed tensor, on the Evidence page"), reverse("models_registry:evidence", args=[after.pk]))]
    return _section("weights", title, items, [sentence], links=links)


def _words_of(version: Version) -> str:
    if not version.checkpoint_digest:
        return ""
    return f"{formatting.short_digest(version.checkpoint_digest)} · {formatting.size(version.checkpoint_size)}"


def _results(before: Version, after: Version) -> Section:
    """The numbers for the whole of each test set, of the last measurement that counts, with their intervals. Versions of a
    dataset that hold the very same bytes are one test set."""
    runs = EvaluationRun.objects.counting().with_results().filter(version__in=[before.pk, after.pk], state="completed")
    latest: dict[tuple[str, str, Any], EvaluationRun] = {}
    names: dict[str, dict[str, None]] = {}
    for run in runs.order_by("queued_at", "pk"):
        data = run.dataset_version
        names.setdefault(data.digest, {})[str(data)] = None
        latest[(data.digest, run.suite.name, run.version_id)] = run
    rows: dict[tuple[str, str, str, str], dict[Any, Metric]] = {}
    judged: set[str] = set()  # metrics that a policy sets a threshold for
    for (digest, suite, version), run in latest.items():
        judged |= {str(check.threshold.get("metric")) for check in verdict_of(run).checks}
        for metric in run.metrics.all():
            if not metric.label:
                rows.setdefault((digest, suite, metric.check_name, metric.name), {})[version] = metric
    items: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []
    for (digest, _suite, _check, name), found in rows.items():
        one, other = found.get(before.pk), found.get(after.pk)
        said = one or other
        if said and (
            one is None or other is None or (one.value, one.low, one.high, one.n) != (other.value, other.low, other.high, other.n)
        ):
            label = _("%(measure)s on %(data)s") % {"measure": said.title, "data": " = ".join(names[digest])}
            (items if name in judged else others).append(_change(label, _figure(one), _figure(other)))
    measured = {version for _digest, _suite, version in latest}
    notes = [
        _("Nothing of %(version)s has been measured.") % {"version": version}
        for version in (before, after)
        if version.pk not in measured
    ]
    if not notes and (items or others):
        notes.append(
            _("Each stands with its own interval; whether a difference is chance is what the check “comparison” measures.")
        )
    links = [
        (_("All checks of %(version)s") % {"version": version}, reverse("evaluations:checks", args=[version.pk]))
        for version in (before, after)
        if version.pk in measured
    ]
    return _section("results", _("Results"), [*items, *others], notes, links=links, first=len(items))


def _figure(metric: Metric | None) -> str:
    return formatting.interval(metric.value, metric.low, metric.high, metric.n, metric.unit) if metric else ""
