"""Made-up content of the styleguide."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from django import forms
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from core.charts import Line, Mark, line_chart
from core.clock import now
from core.components.forms import ChoiceCards
from core.components.vocabulary import AXES
from core.paging import KeyPage

DIGEST = "sha256:7f3c9e2a51d0864b8c1f27e9d4a3b65098f2c7d1e6a4b3958070f1e2d3c4b210"
OTHER_DIGEST = "sha256:19ad04c7e2b85f6390a1d7c4e8f2b63507941acbd8e6f0315274c9b8a7d6e5f4"

LAYOUT = """<div class="split">
  <div class="split-lead">a banner</div>
  <div class="split-side" id="decision">the decision</div>
  <div class="split-body">the evidence <a class="button primary decide" href="#decision">Decide</a></div>
  <div class="split-more">the facts</div>
</div>"""


class SignOffSpecimen(forms.Form):
    verdict = forms.ChoiceField(
        label=_("Verdict"),
        widget=ChoiceCards,
        choices=[("approve", _("Approve")), ("request_changes", _("Request changes")), ("reject", _("Reject"))],
    )
    comment = forms.CharField(
        label=_("Reason"),
        widget=forms.Textarea(attrs={"rows": 3}),
        required=False,
        help_text=_("Becomes part of the permanent record."),
    )
    password = forms.CharField(label=_("Password"), widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}))
    code = forms.CharField(
        label=_("Code of your authenticator"),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code"}),
        required=False,
    )
    explained = {
        "verdict": {
            "approve": _("May be released to production"),
            "request_changes": _("Back to the submitter"),
            "reject": _("Final for this version"),
        }
    }


class VersionSpecimen(forms.Form):
    name = forms.CharField(label=_("Name"), help_text=_("Readable, such as digit-reader."), initial="digit-reader")
    tier = forms.ChoiceField(label=_("Risk tier"), choices=[("low", _("Low")), ("medium", _("Medium")), ("high", _("High"))])
    checkpoint = forms.FileField(label=_("Checkpoint"), help_text=_("safetensors, or a state_dict without code."))
    tested_on = forms.MultipleChoiceField(
        label=_("Tested on"),
        widget=forms.CheckboxSelectMultiple,
        choices=[("a", "digits-holdout v2"), ("b", "digits-rotated v1")],
        required=False,
    )
    trained_on = forms.MultipleChoiceField(
        label=_("Trained on"),
        widget=forms.CheckboxSelectMultiple,
        choices=[(str(number), f"digits-train v{number}") for number in range(12, 0, -1)],
        required=False,
        help_text=_("Many choices scroll in a box of their own."),
    )
    notify = forms.BooleanField(label=_("Tell me when the evaluation has ended"), required=False)
    limitations = forms.CharField(label=_("Limitations"), widget=forms.Textarea(attrs={"rows": 3}), required=False)


def _wrong() -> VersionSpecimen:
    form = VersionSpecimen({"name": "", "tier": "extreme"}, {}, prefix="wrong")
    form.add_error(None, _("This checkpoint was submitted already, as digit-reader v2."))
    return form


def _blocked() -> SignOffSpecimen:
    form = SignOffSpecimen(prefix="blocked")
    form.fields["verdict"].widget.blocked = frozenset({"approve"})  # type: ignore[attr-defined]  # its own widget
    reason = _("Not possible: 1 reason stands against it; see above.")
    form.explained = {"verdict": {**form.explained["verdict"], "approve": reason}}
    return form


def _people() -> dict[str, Any]:
    return {
        "seojun": SimpleNamespace(pk="0192f1c4-7a10-7cc1-8b6e-5d2f9a3c4e01", name="이서준 Lee Seojun"),
        "amara": SimpleNamespace(pk="0192f1c4-8b22-7d03-9f11-2a6b7c8d9e02", name="Amara Okafor"),
        "erased": SimpleNamespace(pk="0192f1c4-9c33-7e44-a022-3b7c8d9e0f03", name=""),
    }


def specimens() -> dict[str, Any]:
    """Everything that styleguide.html shows."""
    people = _people()
    moment = datetime(2026, 11, 18, 14, 3, 27, tzinfo=UTC)
    entries = [
        {
            "at": moment + timedelta(hours=3),
            "sentence": _("Approval suspended: predictions left their reference interval."),
            "detail": _("Class 8: mean 0.031 below 0.05, in 450 predictions."),
            "actor": "clock",
            "icon": "octagon-pause",
            "tone": "bad",
            "index": 1204,
        },
        {
            "at": moment + timedelta(hours=2),
            "sentence": _("Released to production."),
            "actor": people["amara"],
            "icon": "rocket",
            "tone": "ok",
            "index": 1187,
        },
        {
            "at": moment + timedelta(hours=1),
            "sentence": _("Signed off as compliance officer: approve."),
            "actor": people["erased"],
            "href": "#timeline",
            "icon": "pen-line",
            "tone": "info",
            "index": 1169,
        },
        {"at": moment, "sentence": _("digit-reader v3 submitted."), "actor": people["seojun"], "icon": "send", "index": 1150},
    ]
    changed = [
        {
            "kind": "changed",
            "label": _("Limitations"),
            "before": _("Below 80 % on images darker than 20 % of the mean brightness."),
            "after": format_html(
                "{} <mark>{}</mark>", _("Below 80 % on images darker than 20 % of the mean brightness."), _("Rotated images.")
            ),
        },
        {"kind": "added", "label": _("Ethical considerations"), "after": _("Not to be used for identity documents.")},
        {"kind": "removed", "label": _("Contact"), "before": "vision@example.org"},
    ]
    chart = {
        "title": _("Recall of each class"),
        "description": _(
            "Dots with 95 % intervals for ten classes; class 8 lies at 71.6 %, below the minimum of 80 %, the others above 95 %."
        ),
        "light_url": static("img/specimen-light.svg"),
        "dark_url": static("img/specimen-dark.svg"),
        "table": {
            "columns": [_("Class"), _("Recall"), _("Interval"), _("Rows")],
            "rows": [
                ["0", "100.0 %", "92.1–100.0 %", "45"],
                ["1", "97.8 %", "88.4–99.6 %", "46"],
                ["8", "71.6 %", "58.4–82.3 %", "43"],
            ],
        },
    }
    curve = line_chart(
        [
            Line("train/loss", list(range(0, 60, 2)), [2.3 * 0.9**step + 0.05 for step in range(30)], short="train"),
            Line("valid/loss", [5, 15, 25, 35, 45, 55], [1.4, 0.7, 0.41, math.nan, 0.33, 0.36], short="valid"),
        ],
        x_label=_("step"),
        y_label="loss",
        marks=[Mark(45, _("best")), Mark(58, _("stopped"), "stop")],
    )
    return {
        "curve": curve,
        "axes": [{"name": name, "looks": looks} for name, looks in AXES.items()],
        "people": people,
        "digest": DIGEST,
        "other_digest": OTHER_DIGEST,
        "moment": moment,
        "ago": now() - timedelta(hours=3),
        "due": now() + timedelta(days=2, hours=1),
        "entries": entries,
        "changes": changed,
        "chart": chart,
        "page": KeyPage([1], "?before=1#tables", "?after=1#tables"),
        "sign_off": SignOffSpecimen(prefix="sign"),
        "form": VersionSpecimen(),
        "wrong": _wrong(),
        "blocked": _blocked(),
        "raw": {
            "type": "sign_off.given",
            "v": 1,
            "at": "2026-11-18T14:03:27.000000Z",
            "data": {"verdict": "approve", "digest": DIGEST},
        },
        "prose": "Reads handwritten digits of 8 × 8 pixels.\n\nNot for identity documents.\n<b>Markup is shown, never run.</b>",
        "layout": LAYOUT,
    }
