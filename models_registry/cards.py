"""The fields of a model card: what each asks for, which are required, how long each may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.errors import InvalidInput

LONGEST = 20_000  # characters of one field
MONITORING = "monitoring"  # the field that a policy may ask for before anything goes to production
MISSING = "[more information needed]"  # what card templates leave behind; it says nothing, so it counts as missing


@dataclass(frozen=True, slots=True)
class CardField:
    key: str
    label: str | Promise
    asks: str | Promise
    required: bool


FIELDS = (
    CardField("overview", gettext_lazy("Overview"), gettext_lazy("What the model does, in two or three sentences."), True),
    CardField("intended_use", gettext_lazy("Intended use"), gettext_lazy("For which decisions, by whom."), True),
    CardField("out_of_scope_use", gettext_lazy("Out of scope"), gettext_lazy("What it must not be used for."), True),
    CardField("limitations", gettext_lazy("Limitations"), gettext_lazy("Where it is known to fail."), True),
    CardField(
        "ethical_considerations",
        gettext_lazy("Ethical considerations"),
        gettext_lazy("Who could be harmed, and how that is prevented."),
        False,
    ),
    CardField(
        "training_data", gettext_lazy("Training data"), gettext_lazy("What it learned from, and what is missing there."), True
    ),
    CardField(
        "evaluation_data",
        gettext_lazy("Evaluation data"),
        gettext_lazy("What it was tested on, and why that fits the use."),
        True,
    ),
    CardField("metrics", gettext_lazy("Measures"), gettext_lazy("Why these measures and thresholds."), False),
    CardField(
        MONITORING,
        gettext_lazy("Monitoring"),
        gettext_lazy("What is watched in production, how often, by whom, and when it is taken back."),
        False,
    ),
    CardField(
        "licence",
        gettext_lazy("Licence"),
        gettext_lazy("Terms of use of the weights, as an SPDX identifier where there is one."),
        False,
    ),
    CardField("contact", gettext_lazy("Contact"), gettext_lazy("A team address; never a private one."), False),
)


def checked(content: Any) -> dict[str, str]:
    """`content` with known keys, plain text and nothing empty; says all that is wrong at once."""
    if not isinstance(content, dict):
        raise InvalidInput(_("A card is an object with one text for each field."), code="card_shape")
    known = {field.key for field in FIELDS}
    unknown = sorted(str(key) for key in content if key not in known)
    if unknown:
        raise InvalidInput(
            _("The card has fields that are not known: %(unknown)s. Known are: %(known)s.")
            % {"unknown": ", ".join(unknown), "known": ", ".join(sorted(known))},
            code="card_unknown_fields",
        )
    wrong = sorted(key for key, text in content.items() if not isinstance(text, str) or len(text) > LONGEST or "\x00" in text)
    if wrong:
        raise InvalidInput(
            _("These card fields are not a text of at most %(longest)s characters: %(wrong)s.")
            % {"longest": LONGEST, "wrong": ", ".join(wrong)},
            code="card_wrong_fields",
        )
    return {key: text.strip() for key, text in content.items() if text.strip()}


def missing(content: dict[str, str]) -> list[CardField]:
    """The required fields that say nothing yet."""
    return [field for field in FIELDS if field.required and content.get(field.key, "").strip().lower() in {"", MISSING}]


def shown(content: dict[str, str]) -> list[tuple[CardField, str]]:
    """Every field in its order with its text, empty ones included: a gap is shown, not hidden."""
    return [(field, content.get(field.key, "")) for field in FIELDS]
