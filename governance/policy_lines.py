"""A policy line by line in words: what its page shows, and what changed between two of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Role
from evaluations.verdicts import title_of
from governance.documents import AskedStep, Document
from governance.models import SignOff, label_of
from governance.requirements import kinds
from models_registry.models import RiskTier, Task


def covers(document: Document) -> str:
    """The tiers and environments that it is for, in words."""
    tiers = [str(tier.label) for tier in RiskTier if tier in document.covers.tiers]
    environments = [label_of(one).lower() for one in document.covers.environments]
    words = {"tiers": get_text_list(tiers, _("and")), "environments": get_text_list(environments, _("and"))}
    return _("%(tiers)s, in %(environments)s") % words


def signatures(document: Document) -> list[tuple[str, str]]:
    """Each step: whose signature, and how many, when, and what they say by it."""
    return [(str(Role(step.role).label), _step(step)) for step in document.steps_in_order()]


def requirements(document: Document) -> list[tuple[str, str]]:
    """What else must be there, each kind with what the policy says of it."""
    return [(_kind(one), _asked(one)) for one in document.requirements]


def duration(document: Document) -> list[tuple[str, str]]:
    """How long things hold, what the short ways are, and who learns of what is overdue."""
    emergency, roles = document.emergency, document.exceptions.roles
    short = _("nobody may release before the signatures are complete")
    if emergency:
        short = _("%(roles)s, for %(valid)s; the review is due within %(review)s") % {
            "roles": _roles(emergency.roles),
            "valid": _days(emergency.valid_days),
            "review": _days(emergency.review_within_days),
        }
    conditions = document.conditions
    return [
        (_("An approval holds"), _days(document.valid_days, none=_("without end"))),
        (_("Reminder before it ends"), _days(document.remind_days, none=_("none"))),
        (_("A review is decided within"), _days(document.review_days, none=_("no time is set"))),
        (_("Overdue matters go to"), _roles((document.escalate_to,)) if document.escalate_to else _("nobody")),
        (
            _("Approval with conditions"),
            _("allowed; met within %(days)s") % {"days": _days(conditions.most_days)} if conditions.allowed else _("not allowed"),
        ),
        (
            _("Exceptions"),
            _("by %(roles)s, for at most %(days)s") % {"roles": _roles(roles), "days": _days(document.exceptions.most_days)}
            if roles
            else _("nobody may give one"),
        ),
        (_("Emergency release"), short),
        (
            _("Whoever wrote the policy signs under it"),
            _("not before %(days)s have passed") % {"days": _days(document.separation.policy_author_days)}
            if document.separation.policy_author_days
            else _("at once"),
        ),
        (_("Monitoring"), _monitoring(document)),
    ]


def changes(before: Document, after: Document) -> list[dict[str, str]]:
    """What differs, for `{% changes %}`, in the order of the document."""
    old, new = dict(_lines(before)), dict(_lines(after))
    found = []
    for label in [*new, *(label for label in old if label not in new)]:
        was, now = old.get(label, ""), new.get(label, "")
        if was != now:
            kind = "added" if not was else "removed" if not now else "changed"
            found.append({"kind": kind, "label": label, "before": was, "after": now})
    return found


def _lines(document: Document) -> Iterator[tuple[str, str]]:
    yield _("Title"), document.title
    yield _("Purpose"), document.purpose
    yield _("Covers"), covers(document)
    for role, said in signatures(document):
        yield _("Signature: %(role)s") % {"role": role}, said
    for label, said in requirements(document):
        yield _("Must be there: %(what)s") % {"what": label}, said
    yield from duration(document)
    yield _("Only a registered hold-out counts"), _yes_or_no(document.evaluations.verified)
    for what, level in sorted(document.evaluations.sandbox.items()):
        yield _("Sandbox: %(what)s") % {"what": what}, level
    for task in Task:
        yield from _of_task(document, task)


def _of_task(document: Document, task: Task) -> Iterator[tuple[str, str]]:
    criteria = document.evaluations.criteria(task)
    if criteria is None:
        return
    words = {"task": str(task.label)}
    yield _("%(task)s: what is measured") % words, "\n".join(_check(check) for check in criteria.checks)
    yield _("%(task)s: a repeated run may differ by") % words, str(criteria.tolerance)
    for line in criteria.thresholds:
        title = str(title_of(line))
        yield f"{task.label}: {title.partition(',')[0]}", title


def _check(check: Mapping[str, Any]) -> str:
    given = ", ".join(f"{name} = {value}" for name, value in check.items() if name != "name")
    name = str(check["name"]).replace("_", " ")
    return f"{name} ({given})" if given else name


def _step(step: AskedStep) -> str:
    people = ngettext("%(n)d person", "%(n)d people", step.quorum) % {"n": step.quorum}
    parts = [people, str(SignOff.Meaning(step.meaning).label).lower(), _("step %(n)d") % {"n": step.order}]
    if step.distinct_teams:
        parts.append(_("each of another team"))
    if step.only_with_personal_data:
        parts.append(_("where personal data reach the version"))
    return ", ".join(parts)


def _kind(one: Mapping[str, Any]) -> str:
    kind = kinds.get(one["kind"])
    return str(kind.title) if kind else str(one["kind"])


def _asked(one: Mapping[str, Any]) -> str:
    """What the demand asks, in a sentence of its kind; of a kind that has none, or that is gone, its parameters."""
    kind = kinds.get(one["kind"])
    if kind and kind.words:
        return kind.words(one)
    said = [f"{_plain(name)}: {_value(value)}" for name, value in one.items() if name != "kind"]
    return "; ".join(said) or _("as it stands")


def _value(value: Any) -> str:
    return ", ".join(_plain(str(part)) for part in value) if isinstance(value, list) else str(value)


def _plain(word: str) -> str:
    return word.replace("_", " ")


def _roles(roles: tuple[str, ...]) -> str:
    return get_text_list([str(Role(role).label).lower() for role in roles], _("or"))


def _days(days: int, *, none: str = "") -> str:
    return ngettext("%(n)d day", "%(n)d days", days) % {"n": days} if days or not none else none


def _yes_or_no(said: bool) -> str:
    return _("yes") if said else _("no")


def _monitoring(document: Document) -> str:
    rules = document.monitoring
    said = _("checked once %(rows)d rows have arrived; a class's mean below %(mean)s, or moved by %(effect)s, is an alert") % {
        "rows": rules.minimum_rows,
        "mean": rules.minimum_mean,
        "effect": rules.minimum_effect,
    }
    return said + (_(", which suspends the approval") if rules.suspend else "")
