"""The shape of what is filled in about people, teams, roles and keys. Who may, and when, is asked elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Team
from accounts.roles import Role, Scope
from core.clock import now

EVERYWHERE = "everywhere"
LIVES = ((30, _("30 days")), (90, _("90 days")), (365, _("1 year")))
# What each role is for, as an administrator who gives it should know.
ROLE_WORDS = {
    Role.DATA_SCIENTIST: _("Registers data, runs and models, and submits versions. Never signs what they contributed to."),
    Role.VALIDATOR: _("Registers hold-outs, repeats measurements and signs that a version was validated independently."),
    Role.COMPLIANCE_OFFICER: _("Signs that a version may be used under the policy; held everywhere, writes policies."),
    Role.DATA_PROTECTION_OFFICER: _("Signs where personal data reach a version, and decides what was found of them."),
    Role.RISK_MANAGER: _("Releases approved versions, rolls back, answers alerts."),
    Role.AUDITOR: _("Reads everything of the team and downloads reports; decides nothing."),
    Role.ADMINISTRATOR: _("People, teams and keys. Sees no models and signs nothing."),
}


class PersonForm(forms.Form):
    """Somebody new. The first password is made by the site and shown once."""

    name = forms.CharField(label=_("Name"), max_length=200, help_text=_("As it is printed beside what they sign."))
    email = forms.EmailField(label=_("E-mail"), max_length=254, help_text=_("They sign in with it."))
    time_zone = forms.CharField(label=_("Time zone"), max_length=64, initial="UTC", help_text=_("Such as Asia/Seoul."))


class TeamForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=200)
    slug = forms.CharField(
        label=_("Short name"),
        max_length=60,
        required=False,
        help_text=_("For addresses: Latin letters, digits, hyphens. Left empty, it is made from the name."),
    )


class RoleForm(forms.Form):
    """A role in one of `teams`, or (for an administrator of the whole site) everywhere."""

    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)
    team = forms.ChoiceField(label=_("Where"))

    def __init__(self, *args: Any, teams: Iterable[Team], everywhere: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        self._teams = {str(team.pk): team for team in teams}
        choices = [("", _("Choose a team")), *((key, team.name) for key, team in self._teams.items())]
        self.fields["team"].choices = [*choices, *([(EVERYWHERE, _("Everywhere"))] if everywhere else [])]  # type: ignore[attr-defined]  # a choice field has them

    def clean_team(self) -> Team | None:
        return self._teams.get(self.cleaned_data["team"])  # None: everywhere


class EraseForm(forms.Form):
    """Erasing cannot be taken back, so the name is written out."""

    name = forms.CharField(label=_("Write the person's name to erase them"), max_length=200)

    def __init__(self, *args: Any, person: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._name = str(person)

    def clean_name(self) -> str:
        written = " ".join(self.cleaned_data["name"].split())
        if written != self._name:
            raise forms.ValidationError(_("This is not the name that stands above; nothing was erased."))
        return written


class KeyForm(forms.Form):
    """A key of one's own."""

    name = forms.CharField(label=_("Name"), max_length=100, help_text=_("Where it is used, such as “CI of digit-reader”."))
    scopes = forms.MultipleChoiceField(
        label=_("What it may do"),
        choices=Scope.choices,
        widget=forms.CheckboxSelectMultiple,
        initial=[Scope.READ],
        help_text=_("Your own roles bound it further. No key signs."),
    )
    days = forms.TypedChoiceField(label=_("Expires after"), choices=LIVES, coerce=int, initial=90)

    @property
    def wanted(self) -> dict[str, Any]:
        """What `accounts.services.make_key` takes."""
        given = self.cleaned_data
        return {"name": given["name"], "scopes": given["scopes"], "expires_at": now() + timedelta(days=given["days"])}
