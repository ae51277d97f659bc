"""The shape of a policy on its page: the same document as in YAML, as fields that an officer fills in."""

from __future__ import annotations

from typing import Any

import yaml
from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import SIGNING_ROLES, Role
from core.errors import InvalidInput
from evaluations.catalogue import catalogue
from evaluations.suites import TOLERANCE
from governance.documents import ALWAYS, FORMAT, PERSONAL_DATA, Document
from governance.documents.as_yaml import loaded
from governance.documents.checking import LEVELS, MEANINGS, MOST_DAYS
from governance.environments import choices as environment_choices
from governance.models import SignOff
from governance.requirements import kinds
from models_registry.models import RiskTier, Task

ROLES = [role for role in Role if role in SIGNING_ROLES]
ROLE_CHOICES = [(role.value, role.label) for role in ROLES]
LEVEL_CHOICES = [(level, level) for level in LEVELS]


def _days(label: Any, *, least: int = 0, help_text: Any = "") -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=least, max_value=MOST_DAYS, help_text=help_text)


def _some(label: Any, choices: Any, *, required: bool = True, help_text: Any = "") -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label, choices=choices, required=required, help_text=help_text, widget=forms.CheckboxSelectMultiple
    )


class PolicyForm(forms.Form):
    """Everything but the tables of steps, limits and requirements."""

    name = forms.SlugField(label=_("Short name"), max_length=64, help_text=_("Small letters, digits and hyphens."))
    title = forms.CharField(label=_("Title"), max_length=120)
    purpose = forms.CharField(
        label=_("Purpose"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("What it is for, in words that everybody understands."),
    )  # fmt: skip
    tiers = _some(_("Risk tiers"), RiskTier.choices)
    environments = _some(_("Environments"), [])
    verified = forms.BooleanField(label=_("Only numbers on a registered hold-out count"), required=False)
    weights = forms.ChoiceField(label=_("Least sandbox for weights"), choices=LEVEL_CHOICES)
    programs = forms.ChoiceField(label=_("Least sandbox for programs"), choices=LEVEL_CHOICES)
    valid_days = _days(_("Days that an approval holds"), help_text=_("0: without end."))
    review_days = _days(_("Days until a review is due"), help_text=_("0: no time is set."))
    remind_days = _days(_("Days before the end when people are reminded"))
    escalate_to = forms.ChoiceField(label=_("Overdue matters go to"), required=False, choices=[("", _("nobody")), *ROLE_CHOICES])
    conditions = forms.BooleanField(label=_("A signature may approve with conditions"), required=False)
    condition_days = _days(_("Days within which conditions are met"))
    exception_roles = _some(_("Who may give exceptions"), ROLE_CHOICES, required=False, help_text=_("Nobody ticked: nobody may."))
    exception_days = _days(_("Days that an exception holds at most"))
    emergency_roles = _some(
        _("Who may release in an emergency"), ROLE_CHOICES, required=False, help_text=_("Nobody ticked: nobody may.")
    )  # fmt: skip
    emergency_days = _days(_("Days that an emergency release holds"))
    emergency_review = _days(_("Days until its review is due"))
    author_days = _days(_("Days before its authors sign under it"))
    minimum_rows = forms.IntegerField(label=_("Rows before production is checked"), min_value=1)
    minimum_mean = forms.FloatField(label=_("Least mean of a class"), min_value=0, max_value=1)
    minimum_effect = forms.FloatField(label=_("Least change that is an alert"), min_value=0, max_value=1)
    suspend = forms.BooleanField(label=_("An alert suspends the approval"), required=False)
    seen = forms.CharField(widget=forms.HiddenInput, required=False, max_length=71)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["environments"].choices = environment_choices()  # type: ignore[attr-defined]  # a ChoiceField
        for task in Task:
            able = [(name, name.replace("_", " ")) for name, kind in catalogue().items() if task in kind.tasks]
            self.fields[f"checks_{task}"] = _some(task.label, able, required=False)

    @property
    def check_fields(self) -> list[Any]:
        return [self[f"checks_{task}"] for task in Task]

    def fields_named(self, *names: str) -> list[Any]:
        return [self[name] for name in names]


class _Row(forms.Form):
    """A row of a table: its labels are the table's head, repeated for those who hear the page."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for field in self.fields.values():
            field.widget.attrs["aria-label"] = field.label


class StepRow(_Row):
    role = forms.ChoiceField(choices=ROLE_CHOICES, widget=forms.HiddenInput)
    quorum = forms.IntegerField(label=_("People"), min_value=0, max_value=9)
    order = forms.IntegerField(label=_("Place"), min_value=1, max_value=9)
    meaning = forms.ChoiceField(label=_("Says"), choices=[(one.value, SignOff.Meaning(one).label) for one in MEANINGS])
    when = forms.ChoiceField(label=_("When"), choices=[(ALWAYS, _("Always")), (PERSONAL_DATA, _("Where personal data reach it"))])
    distinct_teams = forms.BooleanField(label=_("Of different teams"), required=False)

    @property
    def role_label(self) -> str:
        return str(Role(self["role"].value()).label) if self["role"].value() in Role.values else ""


class LimitRow(_Row):
    task = forms.ChoiceField(label=_("Task"), choices=[("", "—"), *Task.choices])
    check_name = forms.ChoiceField(label=_("Check"))
    metric = forms.CharField(label=_("Number"), max_length=64, widget=forms.TextInput(attrs={"size": 14}))
    label = forms.CharField(label=_("Class"), max_length=100, required=False, widget=forms.TextInput(attrs={"size": 6}))
    bound = forms.ChoiceField(label=_("Bound"), choices=[("minimum", _("at least")), ("maximum", _("at most"))])
    limit = forms.FloatField(label=_("Limit"))

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        named = [(name, name.replace("_", " ")) for name in sorted(catalogue())]
        self.fields["check_name"].choices = [("", "—"), *named]  # type: ignore[attr-defined]  # a ChoiceField


class RequirementRow(_Row):
    kind = forms.ChoiceField(label=_("What must be there"))
    parameters = forms.CharField(
        label=_("With"), required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"})
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        named = [(name, str(kind.title)) for name, kind in zip(kinds.names(), kinds, strict=True) if kind.may_be_named]
        self.fields["kind"].choices = [("", "—"), *named]  # type: ignore[attr-defined]  # a ChoiceField


StepRows = forms.formset_factory(StepRow, extra=0, max_num=len(ROLES), validate_max=True)
LimitRows = forms.formset_factory(LimitRow, extra=3, max_num=200, validate_max=True, can_delete=True)
RequirementRows = forms.formset_factory(RequirementRow, extra=2, max_num=50, validate_max=True, can_delete=True)


class YamlForm(forms.Form):
    yaml = forms.CharField(
        label=_("The policy as YAML"), strip=False, max_length=262_144,
        widget=forms.Textarea(attrs={"rows": 36, "spellcheck": "false", "class": "mono"}),
    )  # fmt: skip
    seen = forms.CharField(widget=forms.HiddenInput, required=False, max_length=71)


class PublishForm(forms.Form):
    reason = forms.CharField(
        label=_("Why the policy changes"), max_length=2000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Becomes part of the record."),
    )  # fmt: skip
    seen = forms.CharField(widget=forms.HiddenInput, max_length=71)
    password = forms.CharField(
        label=_("Your password"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
    code = forms.CharField(
        label=_("Code of your second factor"), required=False, max_length=32,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code"}),
    )  # fmt: skip

    def __init__(self, *args: Any, second_factor: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        if not second_factor:
            del self.fields["code"]


class PolicyForms:
    """The form and its tables together, filled from a document or bound to what was sent; `body` is what they say."""

    def __init__(self, document: Document, data: Any = None, *, seen: str = "") -> None:
        self.document = document
        said = None if data is not None else document
        self.main = PolicyForm(data, initial=_main(said, seen) if said else None)
        self.steps = StepRows(data, prefix="steps", initial=_steps(document))
        self.limits = LimitRows(data, prefix="limits", initial=_limits(document) if said else None)
        self.requirements = RequirementRows(data, prefix="requirements", initial=_requirements(document) if said else None)

    def is_valid(self) -> bool:
        return all([self.main.is_valid(), self.steps.is_valid(), self.limits.is_valid(), self.requirements.is_valid()])

    @property
    def seen(self) -> str:
        return str(self.main.cleaned_data["seen"])

    def body(self) -> dict[str, Any]:
        """The document that the fields say; what no field shows (parameters of checks, tolerances) stays as it was."""
        said = self.main.cleaned_data
        emergency = {"valid_days": said["emergency_days"], "review_within_days": said["emergency_review"]}
        return {
            "format": FORMAT,
            "name": said["name"],
            "title": said["title"],
            "purpose": said["purpose"],
            "covers": {"tiers": said["tiers"], "environments": said["environments"]},
            "evaluations": {
                "verified": said["verified"],
                "sandbox": {"weights": said["weights"], "programs": said["programs"]},
                "suites": self._suites(),
            },
            "requirements": [_demand(row) for row in _filled(self.requirements)],
            "steps": [row for row in (form.cleaned_data for form in self.steps) if row.get("quorum")],
            "valid_days": said["valid_days"],
            "review_days": said["review_days"],
            "remind_days": said["remind_days"],
            "escalate_to": said["escalate_to"],
            "conditions": {"allowed": said["conditions"], "most_days": said["condition_days"]},
            "exceptions": {"roles": said["exception_roles"], "most_days": said["exception_days"]},
            "emergency": {"roles": said["emergency_roles"]} | emergency if said["emergency_roles"] else None,
            "separation": {"policy_author_days": said["author_days"]},
            "monitoring": {key: said[key] for key in ("minimum_rows", "minimum_mean", "minimum_effect", "suspend")},
        }

    def _suites(self) -> dict[str, Any]:
        said, limits = self.main.cleaned_data, _filled(self.limits)
        found = {}
        for task in Task:
            lines = [
                {"check": row["check_name"], "metric": row["metric"], "label": row["label"],
                 "bound": "lower" if row["bound"] == "minimum" else "upper", row["bound"]: row["limit"]}
                for row in limits if row["task"] == task
            ]  # fmt: skip
            if not said[f"checks_{task}"] and not lines:
                continue
            before = self.document.evaluations.criteria(task)
            known = {check["name"]: check for check in before.checks} if before else {}
            found[task.value] = {
                "name": before.name if before else f"{task}-{said['name']}"[:64],
                "checks": [known.get(name, {"name": name}) for name in said[f"checks_{task}"]],
                "thresholds": lines,
                "tolerance": before.tolerance if before else TOLERANCE,
            }
        return found


def _filled(rows: Any) -> list[dict[str, Any]]:
    return [form.cleaned_data for form in rows if form.cleaned_data and not form.cleaned_data.get("DELETE")]


def _demand(row: dict[str, Any]) -> dict[str, Any]:
    given = loaded(row["parameters"]) if row["parameters"].strip() else {}
    if not isinstance(given, dict):
        raise InvalidInput(
            str(_("What must be there is written line by line, as “sections: [contact]”.")), code="policy_parameters"
        )
    return given | {"kind": row["kind"]}


def _main(document: Document, seen: str) -> dict[str, Any]:
    emergency = document.emergency
    checks = {
        f"checks_{task}": [check["name"] for check in criteria.checks]
        for task in Task if (criteria := document.evaluations.criteria(task))
    }  # fmt: skip
    return checks | {
        "seen": seen,
        "name": document.name,
        "title": document.title,
        "purpose": document.purpose,
        "tiers": list(document.covers.tiers),
        "environments": list(document.covers.environments),
        "verified": document.evaluations.verified,
        **document.evaluations.sandbox,
        "valid_days": document.valid_days,
        "review_days": document.review_days,
        "remind_days": document.remind_days,
        "escalate_to": document.escalate_to,
        "conditions": document.conditions.allowed,
        "condition_days": document.conditions.most_days,
        "exception_roles": list(document.exceptions.roles),
        "exception_days": document.exceptions.most_days,
        "emergency_roles": list(emergency.roles) if emergency else [],
        "emergency_days": emergency.valid_days if emergency else 0,
        "emergency_review": emergency.review_within_days if emergency else 0,
        "author_days": document.separation.policy_author_days,
        "minimum_rows": document.monitoring.minimum_rows,
        "minimum_mean": document.monitoring.minimum_mean,
        "minimum_effect": document.monitoring.minimum_effect,
        "suspend": document.monitoring.suspend,
    }


def _steps(document: Document) -> list[dict[str, Any]]:
    rows = []
    for role in ROLES:
        step = document.step_of(role)
        rows.append(
            {"role": role.value, "quorum": step.quorum, "order": step.order, "meaning": step.meaning, "when": step.when,
             "distinct_teams": step.distinct_teams}
            if step
            else {"role": role.value, "quorum": 0, "order": 1, "meaning": MEANINGS[-1].value, "when": ALWAYS}
        )  # fmt: skip
    return rows


def _limits(document: Document) -> list[dict[str, Any]]:
    return [
        {"task": task.value, "check_name": line["check"], "metric": line["metric"], "label": line.get("label", ""),
         "bound": "minimum" if "minimum" in line else "maximum", "limit": line.get("minimum", line.get("maximum"))}
        for task in Task if (criteria := document.evaluations.criteria(task))
        for line in criteria.thresholds
    ]  # fmt: skip


def _requirements(document: Document) -> list[dict[str, Any]]:
    rows = []
    for one in document.requirements:
        parameters = {name: value for name, value in one.items() if name != "kind"}
        text = yaml.safe_dump(parameters, sort_keys=False, allow_unicode=True, default_flow_style=None) if parameters else ""
        rows.append({"kind": one["kind"], "parameters": text.strip()})
    return rows
