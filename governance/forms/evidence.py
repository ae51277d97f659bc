"""The shape of a file that is brought as evidence, and of its withdrawal."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Person, Role
from governance.models.evidence import EvidenceKind
from models_registry.models import RegisteredModel, Version

OTHER = "-"
MOST = 100  # versions and people to choose from


class EvidenceForm(forms.Form):
    kind = forms.ChoiceField(label=_("What it is"), choices=[*EvidenceKind.choices, (OTHER, _("Something else"))])
    named = forms.RegexField(
        r"^[a-z][a-z0-9_]{1,39}$",
        label=_("If something else: its name"),
        required=False,
        help_text=_("As the policy calls it: lower-case letters, digits and underscores."),
        error_messages={"invalid": _("Use 2 to 40 lower-case letters, digits and underscores, such as bias_audit.")},
    )
    file = forms.FileField(label=_("File"), help_text=_("It is kept as it is and never opened here; people download it."))
    title = forms.CharField(label=_("Title"), required=False, max_length=200)
    version = forms.ModelChoiceField(
        label=_("For"), required=False, queryset=Version.objects.none(), empty_label=_("The model as a whole")
    )
    owner = forms.ModelChoiceField(
        label=_("Owner"),
        queryset=Person.objects.none(),
        empty_label=None,
        help_text=_("Who answers for what it says, and renews it."),
    )
    valid_from = forms.DateField(
        label=_("Valid from"), required=False, widget=forms.DateInput(attrs={"type": "date"}), help_text=_("Today if left empty.")
    )
    valid_until = forms.DateField(
        label=_("Valid until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("The last day; from the next one on it no longer counts. Without an end if left empty."),
    )

    def __init__(self, *args: Any, model: RegisteredModel, person: Person, **options: Any) -> None:
        super().__init__(*args, **options)
        versions = Version.objects.of(model).select_related("model")
        self._choices("version").queryset = versions.filter(pk__in=list(versions.values_list("pk", flat=True)[:MOST]))
        here = Q(memberships__team=model.team_id) | Q(memberships__team=None)
        held = Person.objects.filter(here & ~Q(memberships__role=Role.ADMINISTRATOR), is_active=True)
        self._choices("owner").queryset = held.distinct().order_by("name")
        self._choices("owner").initial = person

    def _choices(self, name: str) -> forms.ModelChoiceField:
        field = self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 - declared above
        return field

    def clean(self) -> dict[str, Any]:
        given = dict(super().clean() or self.cleaned_data)
        if given.get("kind") == OTHER:
            if not given.get("named") and "named" not in self.errors:
                self.add_error("named", _("Say what it is."))
            given["kind"] = given.get("named", "")
        given.pop("named", None)
        return given


class WithdrawalForm(forms.Form):
    reason = forms.CharField(label=_("Why it no longer counts"), max_length=500)
