"""The shape of a risk assessment and of its activation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.forms import BoundField
from django.utils.translation import gettext_lazy as _

from core.components.forms import ChoiceCards
from governance.assessing import METHOD, Factor, Regulation
from models_registry.models import RiskTier


class AssessmentForm(forms.Form):
    """A level and a reason for each factor; a use (or none) and a reason for each law."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for factor in METHOD.factors:
            self.fields[factor.key] = forms.TypedChoiceField(
                label=str(factor.asks),
                choices=[(str(level), words) for level, words in enumerate(factor.levels)],
                coerce=int,
                widget=ChoiceCards,
            )
            self._reason(factor)
        for law in METHOD.regulations:
            self.fields[law.key] = forms.ChoiceField(
                label=str(law.asks), required=False, choices=[("", _("No, in none of them")), *law.uses.items()]
            )
            self._reason(law)

    def _reason(self, asked: Factor | Regulation) -> None:
        self.fields[f"{asked.key}_reason"] = forms.CharField(
            label=_("Why"), max_length=2000, widget=forms.Textarea(attrs={"rows": 2})
        )

    def factors(self) -> Iterator[tuple[Factor, BoundField, BoundField]]:
        return ((one, self[one.key], self[f"{one.key}_reason"]) for one in METHOD.factors)

    def laws(self) -> Iterator[tuple[Regulation, BoundField, BoundField]]:
        return ((one, self[one.key], self[f"{one.key}_reason"]) for one in METHOD.regulations)

    @property
    def answers(self) -> dict[str, Any]:
        """The cleaned answers as `governance.services.assess_risk` takes them."""
        given = self.cleaned_data
        return {
            "levels": {one.key: given[one.key] for one in METHOD.factors},
            "uses": {law.key: given[law.key] for law in METHOD.regulations},
            "reasons": {key: given[f"{key}_reason"] for key in METHOD.asked},
        }


class ActivationForm(forms.Form):
    tier = forms.ChoiceField(label=_("Tier"), choices=RiskTier.choices)
    reason = forms.CharField(
        label=_("Why, if it is another than the answers come to"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
