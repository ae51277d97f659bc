"""Which curves of a run share a picture, in which order the pictures stand, and which are drawn at first.

Names are all that is known of a curve, so they are read as people write them: `train/loss` and `valid_loss` are the loss of two
parts of the data and belong over each other; `lr-Adam/pg1` is a learning rate.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext as _

from tracking.models import MetricSeries

AT_FIRST = 12  # curves drawn without being asked for
AT_MOST = 48  # curves drawn at once, whatever was asked for
TOGETHER = 6  # lines of one picture: each in a colour and with dashes of its own


class Kind(StrEnum):
    LOSS = "loss"
    METRIC = "metric"
    RATE = "rate"
    REST = "rest"


RESERVED = {Kind.LOSS: 5, Kind.METRIC: 4, Kind.RATE: 2, Kind.REST: 1}  # of those drawn at first

_PARTS = r"train(?:ing)?|trn|valid(?:ation)?|val|eval(?:uation)?|test(?:ing)?|tst|dev"
_PART = re.compile(rf"(?:^|(?<=[/_.\- ]))({_PARTS})(?=$|[/_.\- ])", re.I)
_PACE = re.compile(r"(?<=[_/.\- ])(step|epoch|batch)$", re.I)
_WORDS = re.compile(r"[a-z0-9]+")
_RATES = frozenset({"lr", "lrs", "mom", "mo", "momentum", "momenta", "momentums"})
_MACHINE = frozenset({"system", "sys", "gpu", "cpu", "ram", "memory", "disk", "network", "time", "seconds", "duration"})
_MACHINE |= {"throughput", "speed", "fps", "epoch", "epochs", "grad", "gradient", "gradients", "norm", "weights", "bias"}


@dataclass(frozen=True, slots=True)
class Picture:
    """Curves over each other: the same measure in the same unit."""

    kind: Kind
    measure: str
    unit: str
    series: tuple[MetricSeries, ...]
    short: tuple[str, ...]  # what tells each from the others here


def kind_of(name: str) -> Kind:
    """What a curve shows, by its name."""
    words = set(_WORDS.findall(_PACE.sub("", name).lower().replace("_", " ")))
    if words & _RATES or {"learning", "rate"} <= words or "beta1" in words:
        return Kind.RATE
    if any(word.endswith("loss") or word.startswith("loss") for word in words):
        return Kind.LOSS
    return Kind.REST if words & _MACHINE else Kind.METRIC


def is_learning_rate(name: str) -> bool:
    """Whether a curve is a learning rate, not a momentum, by its name."""
    words = set(_WORDS.findall(name.lower().replace("_", " ")))
    return kind_of(name) == Kind.RATE and not words & {"mom", "mo", "momentum", "momenta", "momentums", "beta1"}


def measure_of(name: str) -> tuple[str, str]:
    """What is measured, and on which part of the data: (loss, valid) of `valid/loss`, (accuracy, "") of `accuracy`."""
    if kind_of(name) == Kind.RATE:
        return (_("learning rate") if is_learning_rate(name) else _("momentum")), name
    pace = _PACE.search(name)
    rest = _PACE.sub("", name) if pace else name
    part = _PART.search(rest)
    rest = _PART.sub("", rest, count=1) if part else rest
    measure = re.sub(r"[/_.\- ]{2,}", "/", rest).strip("/_.- ")
    if not measure or not (part or pace):
        return name, ""
    return measure, " ".join(found.group(1) for found in (part, pace) if found)


def pictures_of(series: Iterable[MetricSeries]) -> list[Picture]:
    """Losses, then metrics, then learning rate and momentum, then the rest; each by name."""
    together: dict[tuple[int, str, str], list[MetricSeries]] = {}
    order = list(Kind)
    for one in series:
        together.setdefault((order.index(kind_of(one.name)), measure_of(one.name)[0], one.unit), []).append(one)
    found = []
    for (kind, measure, unit), some in sorted(together.items(), key=lambda item: item[0]):
        for first in range(0, len(some), TOGETHER):
            part = some[first : first + TOGETHER]
            short = tuple(measure_of(one.name)[1] or one.name for one in part)
            found.append(Picture(order[kind], measure, unit, tuple(part), short))
    return found


def drawn_at_first(series: Sequence[MetricSeries]) -> list[MetricSeries]:
    """All where there are few; else some of each kind, then more in the same order."""
    if len(series) <= AT_FIRST:
        return list(series)
    telling = sorted(series, key=lambda one: measure_of(one.name)[1] == "")  # of training or validation first; else by name
    of_kind = {kind: [one for one in telling if kind_of(one.name) == kind] for kind in Kind}
    chosen = [one for kind in Kind for one in of_kind[kind][: RESERVED[kind]]]
    taken = {one.pk for one in chosen}
    chosen += [one for kind in Kind for one in of_kind[kind] if one.pk not in taken]
    taken = {one.pk for one in chosen[:AT_FIRST]}
    return [one for one in series if one.pk in taken]


def token_of(series: MetricSeries) -> str:
    """A short name of a curve for addresses: names may be as long as an address."""
    return series.pk.hex[-8:]


def chosen_by(tokens: str, series: Sequence[MetricSeries]) -> list[MetricSeries]:
    """The curves that an address names, at most as many as are drawn at once; without a name those drawn at first."""
    wanted = set(tokens.split(",")) if tokens else set()
    return [one for one in series if token_of(one) in wanted][:AT_MOST] if wanted else drawn_at_first(series)
