"""How what stands now differs from what was signed, field by field: what a reviewer has to read again, and nothing else."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.canonical import sha256_of
from core.components import formatting
from data_registry.models import DatasetVersion, PiiFinding
from evaluations import wording
from evaluations.models import EvaluationRun
from evaluations.services import verdict_of
from evaluations.verdicts import title_of
from governance.criteria import criteria_of
from governance.models import Policy, label_of
from governance.pins import changed_since, word_of
from models_registry.cards import FIELDS
from models_registry.models import ModelCard, Version, VersionData

MOST_WORDS = 2_000  # of a text whose changed words are marked; beyond, the two texts stand beside each other unmarked
MOST_LINES = 40  # packages or settings shown of one side
# What differs between any two versions without saying anything to a reader: told by other lines, or by the version's name.
_SILENT = {"version", "inspection", "review"}


@dataclass(frozen=True, slots=True)
class Side:
    """A version with the statement that was, or would be, signed for it."""

    version: Version
    statement: Mapping[str, Any]


def differences(before: Side, after: Side) -> list[dict[str, Any]]:
    """What differs, as `{% changes %}` shows it: kind, label, before, after. Every pinned part that changed is told."""
    told: list[dict[str, Any]] = []
    tellers = {
        "checkpoint": _checkpoint,
        "construction": construction,
        "card": _card,
        "data": _data,
        "run": _run,
        "evaluations": _evaluations,
        "pii": _pii,
        "policy": _policy,
        "environment": _environment,
    }
    for key in changed_since(dict(before.statement), dict(after.statement)):
        if key in _SILENT:
            continue
        lines = tellers[key](before, after) if key in tellers else []
        told += lines or [_change(word_of(key).capitalize(), _plain(before.statement.get(key)), _plain(after.statement.get(key)))]
    return told


def _change(label: str, before: str, after: str) -> dict[str, Any]:
    kind = "changed" if before and after else "added" if after else "removed"
    return {"kind": kind, "label": label, "before": before, "after": after}


def _plain(value: Any) -> str:
    """A pinned part that no teller knows: its digest, and of a list how much is in it; nothing of what is empty."""
    if isinstance(value, str) or not value:
        return formatting.short_digest(value) if value else ""
    digest = formatting.short_digest(sha256_of(value))
    if not isinstance(value, list):
        return digest
    return ngettext("%(n)d entry", "%(n)d entries", len(value)) % {"n": len(value)} + f" · {digest}"


# -- the parts of a statement ----------------------------------------------------------------------------------------------


def _checkpoint(before: Side, after: Side) -> list[dict[str, Any]]:
    def words(version: Version) -> str:
        known = [formatting.short_digest(version.checkpoint_digest), formatting.size(version.checkpoint_size)]
        if parameters := _parameters(version):
            known.append(_("%(n)s parameters") % {"n": formatting.number(parameters)})
        return " · ".join([*known, version.checkpoint_name] if version.checkpoint_name else known)

    return [_change(_("Checkpoint"), words(before.version), words(after.version))]


def construction(before: Side, after: Side) -> list[dict[str, Any]]:
    """How the two are built, and how their data are read."""
    one, other = before.version, after.version
    built = _of_tables(_("Architecture"), _settings(one.architecture or {}), _settings(other.architecture or {}))
    return built + _of_tables(_("How its data are read"), _settings(one.reading or {}), _settings(other.reading or {}))


def _parameters(version: Version) -> int | None:
    inspection = getattr(version, "inspection", None)
    return inspection.facts.get("parameters") if inspection else None


def _card(before: Side, after: Side) -> list[dict[str, Any]]:
    digests = {str(side.statement.get("card", "")): side.version.pk for side in (before, after)}
    found = {card.digest: card.content for card in ModelCard.objects.filter(version__in=digests.values(), digest__in=digests)}
    then: dict[str, str] = found.get(str(before.statement.get("card")), {})
    now: dict[str, str] = found.get(str(after.statement.get("card")), {})
    lines = []
    for field in FIELDS:
        one, other = then.get(field.key, ""), now.get(field.key, "")
        if one != other:
            lines.append(_change(_("Model card: %(field)s") % {"field": field.label}, *marked(one, other)))
    return lines


def _data(before: Side, after: Side) -> list[dict[str, Any]]:
    def by_use(side: Side) -> dict[str, set[str]]:
        uses: dict[str, set[str]] = {}
        for use, version, _digest in side.statement.get("data", []):
            uses.setdefault(use, set()).add(version)
        return uses

    then, now = by_use(before), by_use(after)
    names = _names(version for uses in (then, now) for versions in uses.values() for version in versions)
    lines = []
    for use in VersionData.Use:
        one, other = then.get(use.value, set()), now.get(use.value, set())
        if one != other:
            texts = ["\n".join(sorted(names.get(version, version) for version in side)) for side in (one, other)]
            lines.append(_change(_("Data: %(use)s") % {"use": use.label.lower()}, *texts))
    return lines


def _names(keys: Iterable[str]) -> dict[str, str]:
    found = DatasetVersion.objects.named().filter(pk__in=set(keys))
    return {str(version.pk): str(version) for version in found}


def _run(before: Side, after: Side) -> list[dict[str, Any]]:
    then, now = before.version.training_run, after.version.training_run
    if then is None or now is None:
        return [_change(_("Training run"), str(then or ""), str(now or ""))]
    lines = []
    for key, label in (("repository", _("Repository")), ("branch", _("Branch")), ("commit", _("Commit"))):
        one, other = str(then.code.get(key) or ""), str(now.code.get(key) or "")
        if one != other:
            lines.append(_change(_("Code: %(what)s") % {"what": label.lower()}, one, other))
    one, other = _uncommitted(then.code), _uncommitted(now.code)
    if one != other:
        lines.append(_change(_("Code: uncommitted changes"), one, other))
    lines += _of_tables(_("Training: settings"), _settings(then.params), _settings(now.params))
    python = [{_("Python"): str(run.environment.get("python") or "")} for run in (then, now)]
    packages = [{one["name"]: one["version"] for one in run.environment.get("packages", [])} for run in (then, now)]
    return lines + _of_tables(_("Environment: packages"), python[0] | packages[0], python[1] | packages[1])


def _uncommitted(code: Mapping[str, Any]) -> str:
    if not code.get("dirty"):
        return _("none") if code.get("dirty") is False else ""
    patch = str(code.get("patch_digest") or "")
    return _("yes, patch %(digest)s") % {"digest": formatting.short_digest(patch)} if patch else _("yes")


def _settings(table: Mapping[str, Any], within: str = "") -> dict[str, str]:
    """A nested table as dotted names with plain values."""
    flat: dict[str, str] = {}
    for key, one in table.items():
        name, value = f"{within}{key}", one
        if isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
            value = {str(place): item for place, item in enumerate(value, start=1)}
        if isinstance(value, Mapping):
            flat |= _settings(value, f"{name}.")
        else:
            flat[name] = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return flat


def _of_tables(label: str, then: Mapping[str, str], now: Mapping[str, str]) -> list[dict[str, Any]]:
    """One line with the entries that differ, on both sides in the same order."""
    changed = sorted(name for name in {*then, *now} if then.get(name) != now.get(name))
    if not changed:
        return []
    texts = []
    for side in (then, now):
        rows = [f"{name} {side[name]}" for name in changed[:MOST_LINES] if name in side]
        rest = [_("and %(n)s more") % {"n": len(changed) - MOST_LINES}] if len(changed) > MOST_LINES else []
        texts.append("\n".join(rows + rest if rows else rows))
    return [_change(label, *texts)]


def _pii(before: Side, after: Side) -> list[dict[str, Any]]:
    then, now = set(before.statement.get("pii", [])), set(after.statement.get("pii", []))
    flags = {flag: flag.split(":", 2) for flag in then ^ now}
    names = _names(version for _category, version, _column in flags.values())

    def words(flag: str) -> str:
        category, version, column = flags[flag]
        place = f"{names.get(version, version)} ({column})" if column else names.get(version, version)
        return f"{PiiFinding.Category(category).label}: {place}" if category in PiiFinding.Category.values else place

    gone = [_change(_("Personal data"), words(flag), "") for flag in sorted(then - now)]
    return gone + [_change(_("Personal data"), "", words(flag)) for flag in sorted(now - then)]


def _policy(before: Side, after: Side) -> list[dict[str, Any]]:
    digests = [str(side.statement.get("policy", "")) for side in (before, after)]
    found = {policy.digest: policy for policy in Policy.objects.filter(digest__in=digests)}

    def words(digest: str) -> str:
        policy = found.get(digest)
        if policy is None:
            return formatting.short_digest(digest)
        task = after.version.model.task
        return "\n".join([str(policy), *(title_of(line) for line in criteria_of(policy, task).thresholds)])

    return [_change(_("Policy"), words(digests[0]), words(digests[1]))]


def _environment(before: Side, after: Side) -> list[dict[str, Any]]:
    names = [str(side.statement.get("environment", "")) for side in (before, after)]
    return [_change(_("Environment"), *(label_of(one) for one in names))]


def _evaluations(before: Side, after: Side) -> list[dict[str, Any]]:
    """The numbers that the thresholds were held against, with their intervals and samples, test set by test set."""
    then, now = _judged(before), _judged(after)
    keys = [*now, *[key for key in then if key not in now]]
    return [
        _change(_("Measured: %(what)s") % {"what": key}, then.get(key, ""), now.get(key, ""))
        for key in keys
        if then.get(key) != now.get(key)
    ]


def _judged(side: Side) -> dict[str, str]:
    results = [result for _data, _suite, result in side.statement.get("evaluations", [])]
    runs = EvaluationRun.objects.with_results().filter(version=side.version, results_digest__in=results).order_by("queued_at")
    figures: dict[str, list[str]] = {}
    for run in runs:
        metrics = {(metric.name, metric.label): metric for metric in run.metrics.all()}
        for check in verdict_of(run).checks:
            metric = metrics.get((str(check.threshold.get("metric")), check.label))
            if metric is None:
                continue
            figure = formatting.interval(metric.value, metric.low, metric.high, metric.n, metric.unit)
            if check.threshold.get("label") == "*":
                figure = _("class %(label)s: %(figure)s") % {"label": check.label, "figure": figure}
            where = _("%(figure)s on %(data)s") % {"figure": figure, "data": run.dataset_version}
            figures.setdefault(wording.subject_of(check.threshold), []).append(where)
    return {what: "\n".join(lines) for what, lines in figures.items()}


# -- texts -----------------------------------------------------------------------------------------------------------------


def marked(before: str, after: str) -> tuple[str, str]:
    """Both texts with the words marked that only one of them has; unmarked where there is hardly anything in common."""
    one, other = (re.findall(r"\s+|[^\s]+", text) for text in (before, after))
    if not one or not other or len(one) + len(other) > MOST_WORDS:
        return before, after
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    if matcher.ratio() < 0.3:
        return before, after
    left: list[tuple[bool, str]] = []
    right: list[tuple[bool, str]] = []
    for tag, a, b, c, d in matcher.get_opcodes():
        left.append((tag != "equal", "".join(one[a:b])))
        right.append((tag != "equal", "".join(other[c:d])))
    return _html(left), _html(right)


def _html(pieces: list[tuple[bool, str]]) -> SafeString:
    shown = ((format_html("<mark>{}</mark>", text) if new and text.strip() else escape(text),) for new, text in pieces if text)
    return format_html_join("", "{}", shown)
