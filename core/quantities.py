"""How a number is written with its unit, in sentences, tables and charts alike."""

from __future__ import annotations

# unit: factor, what is written behind, decimals
SCALES: dict[str, tuple[float, str, int]] = {
    "proportion": (100.0, " %", 1),
    "points": (100.0, " points", 1),
    "seconds": (1000.0, " ms", 2),
    "rows/s": (1.0, " rows/s", 0),
    "parameters": (1.0, "", 0),
    "count": (1.0, "", 0),
    "rows": (1.0, " rows", 0),
    "p": (1.0, "", 3),
}
# Powers of 1,000, as file managers and storage bills count them.
BYTES = ((1e12, " TB", 1), (1e9, " GB", 1), (1e6, " MB", 1), (1e3, " kB", 1), (1.0, " B", 0))
BINARY = ((2**30, " GiB"), (2**20, " MiB"), (2**10, " KiB"))
PLAIN: tuple[float, str, int] = (1.0, "", 3)
SMALLEST_P = 0.001  # a p-value below it is not told from others there
_MOST_DECIMALS = 6


def scale_of(unit: str, *, at: float | None = None) -> tuple[float, str, int]:
    """(factor, what is written behind the number, decimals) of a unit; three decimals where it is not known.

    Bytes are written in the unit that fits the number `at`, without one in MB; numbers of no known unit with more decimals
    where `at` is small.
    """
    if unit == "bytes":
        size, behind, decimals = next(one for one in BYTES if one[0] <= max(1.0, abs(1e6 if at is None else at)))
        return 1.0 / size, behind, decimals
    if unit not in SCALES and at and abs(at) < 0.1:
        return 1.0, "", 4 if abs(at) >= 0.001 else _MOST_DECIMALS
    return SCALES.get(unit, PLAIN)


def write(number: float | None, unit: str, *, decimals: int | None = None, bare: bool = False) -> str:
    """The number in its unit: 0.978 as a proportion is "97.8 %"; `bare` leaves the unit out; None is a dash."""
    if number is None:
        return "–"
    factor, behind, usual = scale_of(unit, at=number)
    if unit == "p" and number < SMALLEST_P:
        return f"< {SMALLEST_P:g}"
    return figure(number * factor, decimals=usual if decimals is None else decimals) + ("" if bare else behind)


def write_exactly(number: float, unit: str) -> str:
    """The number with no more digits than it has: a limit that somebody chose, "95 %"."""
    factor, behind, _decimals = scale_of(unit, at=number)
    if unit == "bytes" and round(number * factor, 3) != number * factor:  # chosen in powers of 1,024
        factor, behind = next(((1.0 / size, name) for size, name in BINARY if number % size == 0), (factor, behind))
    return figure(number * factor, decimals=_MOST_DECIMALS, trim=True) + behind


def figure(value: float, *, decimals: int, trim: bool = False) -> str:
    """Digits with a thousands separator and a true minus sign; `trim` drops zeros at the end; never minus nothing."""
    text = f"{abs(value):,.{decimals}f}"
    if trim and "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"−{text}" if value < 0 and text.strip("0.,") else text


def between(low: str, high: str) -> str:
    """Two written numbers as a range: "90.0–98.0", and "−2.0 to 1.3" where a dash would be read as a sign."""
    return f"{low} to {high}" if "−" in low + high else f"{low}–{high}"
