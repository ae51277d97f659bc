"""Parts of forms: a field with its label, help and error; choices as cards; what went wrong, above everything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.forms import BoundField
from django.template import Context
from django.template.loader import render_to_string
from django.utils.safestring import SafeString


class ChoiceCards(forms.RadioSelect):
    """Radio buttons for `{% radio_cards %}` of which some may be `blocked`: seen, with the reason, but not to be chosen."""

    blocked: frozenset[str] = frozenset()

    def create_option(self, name: str, value: Any, *args: Any, **options: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(name, value, *args, **options)  # type: ignore[assignment]  # django-types
        if str(value) in self.blocked:
            option["attrs"]["disabled"] = True
        return option


def field(bound: BoundField, hint: str = "") -> SafeString:
    """A field with label, help, error and its widget, tied together for screen readers. `hint` is shown under the label
    where the form itself has no help text. A group of radio buttons becomes a fieldset, a checkbox stands before its label."""
    widget = bound.field.widget
    shape = "line"
    if isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple):
        shape = "group"
    elif isinstance(widget, forms.CheckboxInput):
        shape = "check"
    elif bound.is_hidden:
        shape = "hidden"
    control = "" if shape == "group" else bound.as_widget(attrs=_without_echo(bound))  # type: ignore[arg-type]  # django-types wants None
    return render_to_string("components/field.html", {"field": bound, "control": control, "hint": hint, "shape": shape})


def _without_echo(bound: BoundField) -> dict[str, Any]:
    """A placeholder that only repeats the label is dropped: it vanishes when one types, the label stays."""
    placeholder = str(bound.field.widget.attrs.get("placeholder") or "").lower()
    label = str(bound.label).lower()
    return {"placeholder": False} if placeholder and (placeholder in label or label in placeholder) else {}


def radio_cards(bound: BoundField, explained: Mapping[str, object] | None = None) -> SafeString:
    """Choices as cards. `explained` maps a value to the sentence under its label; otherwise the form's class attribute
    of that name does, for each of its fields: `explained = {"verdict": {"approve": _("…")}}`."""
    explained = explained or getattr(bound.form, "explained", {}).get(bound.name, {})
    options = [{"radio": option, "explained": explained.get(str(option.data["value"]), "")} for option in bound]  # type: ignore[attr-defined]  # django-types: it is iterable
    return render_to_string("components/radio_cards.html", {"field": bound, "options": options})


def errors(form: Any) -> SafeString:
    """What was wrong with the whole form, as a banner; after a failed attempt also how many fields need another look."""
    wrong = [form[name] for name in form.errors if name in form.fields] if form.is_bound else []
    return render_to_string("components/errors.html", {"form": form, "wrong": wrong})


def fields(form: Any) -> SafeString:
    """The whole form: errors, then each field in order."""
    return SafeString(errors(form) + "".join(field(bound) for bound in form))


def fresh_credentials(context: Context, form: Any) -> SafeString:
    """The part of a form that signs: `password` and, if the form has it, `code`, with the note why they are asked anew."""
    code = form["code"] if "code" in form.fields else None
    return render_to_string(
        "components/fresh_credentials.html", {"password": form["password"], "code": code, "user": context.get("user")}
    )
