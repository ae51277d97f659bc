"""The answers by which the risk of the story's model is assessed, each with its reason."""

from __future__ import annotations

from typing import Any

_SAID: dict[str, tuple[int, str]] = {
    "harm": (2, "A misread digit on a form may cost somebody money until it is put right."),
    "autonomy": (2, "Forms are sorted by its answer; a person sees those that it doubts."),
    "reversal": (2, "A wrong form is noticed when its sender complains."),
    "reach": (2, "About fifty thousand forms a year."),
    "vulnerable": (2, "Some senders apply for something that they depend on."),
    "data": (2, "The digits were written elsewhere, by people of another time."),
    "explanation": (2, "What it looked at can be shown for one image, not said in general."),
    "misuse": (1, "It reads digits and nothing else."),
}
ANSWERS: dict[str, Any] = {
    "levels": {key: level for key, (level, _why) in _SAID.items()},
    "uses": {},
    "reasons": {key: why for key, (_level, why) in _SAID.items()}
    | {
        "annex_iii": "Reading digits from forms decides on nobody's access to anything.",
        "kr_high_impact": "It is used in none of the listed fields.",
    },
}
