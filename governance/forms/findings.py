"""The shape of a finding, of the work on it, and of what narrows the register."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Person, Team
from accounts.visibility import people_visible_to, teams_visible_to
from governance.models import Finding
from governance.models.finding import FindingQuerySet

OUTSTANDING = "outstanding"
TEXT = 4000


def _texts(label: Any, **more: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=TEXT, widget=forms.Textarea(attrs={"rows": 4}), **more)


class FindingFilter(forms.Form):
    """Which findings the register shows. `version`, `dataset_version` and `model` name what they are about."""

    severity = forms.ChoiceField(label=_("Severity"), required=False, choices=[("", _("Any")), *Finding.Severity.choices])
    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[("", _("Any")), (OUTSTANDING, _("Not yet settled")), *Finding.State.choices],
    )
    overdue = forms.ChoiceField(label=_("Due"), required=False, choices=[("", _("Any")), ("yes", _("Overdue"))])
    owner = forms.CharField(label=_("Owner"), required=False, max_length=36)
    team = forms.ModelChoiceField(label=_("Team"), required=False, queryset=Team.objects.none(), empty_label=_("Any"))
    model = forms.CharField(label=_("Model or dataset"), required=False, max_length=64)
    version = forms.UUIDField(required=False, widget=forms.HiddenInput)
    dataset_version = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, person: Person, **options: Any) -> None:
        super().__init__(*args, **options)
        self.person = person
        self.fields["team"].queryset = teams_visible_to(person).order_by("name")  # type: ignore[attr-defined]  # a ModelChoiceField
        choices: list[tuple[Any, Any]] = [("", _("Anybody")), ("me", _("Me"))]
        if (given := self.data.get("owner", "")) not in {"", "me"} and _as_uuid(given):
            choices += [(given, str(one)) for one in people_visible_to(person).filter(pk=given)]
        self.fields["owner"].widget = forms.Select(choices=choices)

    def clean_owner(self) -> UUID | None:
        given = self.cleaned_data["owner"]
        if not given:
            return None
        found = self.person.pk if given == "me" else _as_uuid(given)
        if found is None:
            raise forms.ValidationError(_("The owner is “me” or the id of a person."))
        return found

    def narrowed(self, rows: FindingQuerySet) -> FindingQuerySet:
        """The rows that fit; a field that could not be read narrows nothing."""
        self.is_valid()
        said = self.cleaned_data
        for name in ("severity", "owner", "team", "dataset_version"):
            if said.get(name):
                rows = rows.filter(**{name: said[name]})
        if said.get("version"):
            rows = rows.filter(version=said["version"])
        if said.get("state") == OUTSTANDING:
            rows = rows.outstanding()
        elif said.get("state"):
            rows = rows.filter(state=said["state"])
        if said.get("overdue"):
            rows = rows.overdue()
        if sought := said.get("model"):
            named = Q(model__name__icontains=sought) | Q(dataset_version__dataset__name__icontains=sought)
            rows = rows.filter(Q(model=_as_uuid(sought)) if _as_uuid(sought) else named)
        return rows


def _as_uuid(given: str) -> UUID | None:
    try:
        return UUID(given)
    except ValueError:
        return None


class OwnerField(forms.ModelChoiceField):
    """Somebody with a role in the team."""

    def label_from_instance(self, obj: Any) -> str:
        return str(obj)


def owners_in(team: Team) -> Any:
    """The people to whom a finding of the team may be given."""
    held = Q(memberships__team=team) | Q(memberships__team=None)
    return Person.objects.active().filter(held).exclude(memberships__role="administrator").distinct().order_by("name", "pk")


class RaiseForm(forms.Form):
    title = forms.CharField(label=_("What is wrong"), max_length=200)
    description = _texts(_("Description"), required=False, help_text=_("How it shows, on which rows, how to see it again."))
    severity = forms.ChoiceField(
        label=_("Severity"),
        choices=Finding.Severity.choices,
        initial=Finding.Severity.MEDIUM,
        help_text=_("A critical finding suspends the approval at once and closes the gate until it is closed or accepted."),
    )
    source = forms.ChoiceField(label=_("Source"), choices=Finding.Source.choices, initial=Finding.Source.REVIEW)
    owner = OwnerField(label=_("Owner: who mends it"), queryset=Person.objects.none())
    due_on = forms.DateField(label=_("Due date"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))

    def __init__(self, *args: Any, team: Team, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["owner"].queryset = owners_in(team)  # type: ignore[attr-defined]  # a ModelChoiceField


class ReviseForm(forms.Form):
    severity = forms.ChoiceField(label=_("Severity"), choices=Finding.Severity.choices)
    owner = OwnerField(label=_("Owner"), queryset=Person.objects.none())
    due_on = forms.DateField(label=_("Due date"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    reason = forms.CharField(label=_("Why"), required=False, max_length=500)

    def __init__(self, *args: Any, team: Team, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["owner"].queryset = owners_in(team)  # type: ignore[attr-defined]  # a ModelChoiceField


class PlanForm(forms.Form):
    plan = _texts(_("Plan: what will be done"))


class DoneForm(forms.Form):
    done = _texts(_("What was done"), help_text=_("So that somebody else can test it again."))


class RetestForm(forms.Form):
    outcome = forms.ChoiceField(
        label=_("Outcome of the retest"),
        choices=[("passed", _("Passed: it is gone, close it")), ("failed", _("Failed: it is still there, open it again"))],
        widget=forms.RadioSelect,
    )
    reason = _texts(_("What was tested, and what came out"))

    def said(self) -> dict[str, Any]:
        """The arguments of the service."""
        return {"passed": self.cleaned_data["outcome"] == "passed", "reason": self.cleaned_data["reason"]}


class ImportForm(forms.Form):
    file = forms.FileField(
        label=_("CSV or XLSX file"),
        max_length=200,
        help_text=_("At most 5,000 rows and 10 MB, with the columns of an export. Nothing is written before you confirm."),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.xlsx"}),
    )
