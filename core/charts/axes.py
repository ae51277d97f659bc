"""Where an axis has its ticks, and what is written beside them."""

from __future__ import annotations

import math
from dataclasses import dataclass

LARGEST = 1e300  # beyond, differences are no numbers any more; nobody reads the difference on a picture
_SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)
_SHORT = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True, slots=True)
class Axis:
    """From numbers to places: `low` lies at 0, `high` at 1. `ticks` are (place, what is written)."""

    low: float
    high: float
    logarithmic: bool
    ticks: tuple[tuple[float, str], ...]

    def place(self, number: float) -> float:
        """0 to 1; outside it for numbers beyond the ends."""
        return _share(number, self.low, self.high, self.logarithmic)


def steps_axis(low: float, high: float, *, most: int = 5) -> Axis:
    """For whole numbers: no tick stands between two of them."""
    step = max(1.0, round_step((high - low) / most))
    step = 5.0 * step / 2.5 if step != round(step) else step
    ticks = _multiples(low, high, step)
    return Axis(low, high, False, tuple((_share(at, low, high, False), short(at)) for at in ticks))


def seconds_axis(low: float, high: float, *, most: int = 5) -> Axis:
    """For seconds since the start: ticks at whole seconds, minutes, hours or days, all in one unit."""
    span = high - low
    step: float = next((one for one in _SECONDS if span / one <= most), 0)
    if not step:
        step = 86_400 * max(1.0, round_step(span / most / 86_400))
    elif span < 1:
        step = round_step(span / most)
    unit, name = next(((size, name) for size, name in ((86_400, "d"), (3600, "h"), (60, "min")) if step % size == 0), (1, "s"))
    ticks = _multiples(low, high, step)
    return Axis(low, high, False, tuple((_share(at, low, high, False), f"{at / unit:.6g} {name}") for at in ticks))


def values_axis(low: float, high: float, *, most: int = 4) -> Axis:
    """For measured numbers, with a little room below and above."""
    low, high = max(low, -LARGEST), min(high, LARGEST)
    room = (high - low) * 0.04 or abs(high) * 0.1 or 1.0
    low, high = low - room, high + room
    step = round_step((high - low) / most)
    ticks = _multiples(low, high, step)
    return Axis(low, high, False, tuple((_share(at, low, high, False), decimal(at, step)) for at in ticks))


def logarithmic_axis(low: float, high: float, *, most: int = 5) -> Axis:
    """For positive numbers on a logarithmic scale: ticks at powers of ten, or at 1, 2 and 5 times them where there are few."""
    low, high = (min(max(end, 1 / LARGEST), LARGEST) for end in (low * 0.9, high * 1.1))
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    every = max(1, math.ceil((last - first) / most))
    parts = (1, 2, 5) if last - first <= 2 else (1,)
    marks = [part * 10.0**power for power in range(first // every * every, last + 1, every) for part in parts]
    ticks = [at for at in marks if low <= at <= high] or [math.sqrt(low) * math.sqrt(high)]
    return Axis(low, high, True, tuple((_share(at, low, high, True), decimal(at, at)) for at in ticks))


def round_step(about: float) -> float:
    """The smallest of 1, 2, 2.5 and 5 times a power of ten that is at least `about`."""
    if about <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(about))
    return next((part * power for part in (1, 2, 2.5, 5, 10) if part * power >= about * (1 - 1e-9)), about)


def short(number: float) -> str:
    """1500 is 1.5k; whole numbers below 1,000 as they are."""
    size, letter = next((one for one in _SHORT if abs(number) >= one[0]), (1.0, ""))
    return f"{number / size:.6g}".replace("-", "−") + letter


def decimal(number: float, step: float) -> str:
    """With as many decimals as `step` needs; very large and very small ones as 1e6 or 2e−5."""
    if number == 0:
        return "0"
    if abs(number) >= 1e5 or abs(step) < 1e-4:
        mantissa, _e, power = f"{number:.3e}".partition("e")
        return f"{float(mantissa):.3g}e{int(power)}".replace("-", "−")
    decimals = max(0, -math.floor(math.log10(abs(step)) + 1e-9))
    decimals += step < 10 and f"{step:.1e}".startswith("2.5")
    return f"{number:.{decimals}f}".replace("-", "−")


def _multiples(low: float, high: float, step: float) -> list[float]:
    first = math.ceil(low / step - 1e-9)
    found = [(first + place) * step for place in range(12)]
    return [at + 0.0 for at in found if at <= high + step * 1e-9]


def _share(number: float, low: float, high: float, logarithmic: bool) -> float:
    if logarithmic:
        low, high, number = math.log(low), math.log(high), math.log(number)
    span = high - low
    return (number - low) / span if span > 0 else 0.5
