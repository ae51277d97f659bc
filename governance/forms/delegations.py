"""The shape of a delegation, and of its acceptance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import SIGNING_ROLES, Membership, Person, Role, Team
from governance.forms.signing import code_field, password_field
from governance.models.delegation import MOST_DAYS

if TYPE_CHECKING:
    from accounts.models import PersonQuerySet


def lendable(person: Person) -> list[Membership]:
    """The roles that sign which the person holds, each where they hold it."""
    held = Membership.objects.filter(person=person, role__in=SIGNING_ROLES).select_related("team")
    return list(held.order_by("role", "team__name"))


def possible_delegates(person: Person) -> PersonQuerySet:
    """Whom the person may choose among; whether somebody sees what is delegated, the service says."""
    near = Person.objects.visible_to(person).active().exclude(pk=person.pk)
    return near.exclude(memberships__role=Role.ADMINISTRATOR).order_by("name", "pk")


class DelegationForm(forms.Form):
    """A role that the person holds, lent to somebody for some days, with the reason."""

    held = forms.ChoiceField(label=_("Role that you delegate"))
    to = forms.ModelChoiceField(Person.objects.none(), label=_("To whom"), empty_label=_("Choose a person"))
    starts_on = forms.DateField(label=_("First day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    ends_on = forms.DateField(
        label=_("Last day"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("At most %(days)d days; days count in UTC.") % {"days": MOST_DAYS},
    )
    reason = forms.CharField(
        label=_("Why"),
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Becomes part of the record. Shown to both of you and to auditors."),
    )
    password = password_field()
    code = code_field()

    def __init__(self, *args: Any, person: Person, second_factor: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        self.lendable = {f"{one.role}:{one.team_id or ''}": one for one in lendable(person)}
        self.fields["held"].choices = [(key, str(one)) for key, one in self.lendable.items()]  # type: ignore[attr-defined]  # a ChoiceField
        self.fields["to"].queryset = possible_delegates(person)  # type: ignore[attr-defined]  # a ModelChoiceField
        if not second_factor:
            del self.fields["code"]

    @property
    def told(self) -> list[forms.BoundField]:
        """Every field but the credentials, which stand together below."""
        return [self[name] for name in ("held", "to", "starts_on", "ends_on", "reason")]

    def said(self) -> dict[str, Any]:
        """The arguments of the service."""
        said = dict(self.cleaned_data)
        held = self.lendable[said.pop("held")]
        team: Team | None = held.team
        return said | {"role": held.role, "team": team}
