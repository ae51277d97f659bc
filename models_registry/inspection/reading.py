"""How a version's data are read: which columns of a table are its inputs, in which order, prepared how.

The declaration belongs to the version, because its weights only mean something for inputs prepared like this. Weights are not
touched here: the web checks a declaration with it, the sandboxed child reads with it.

    {"features": [{"name": "age", "kind": "number", "mean": 41.2, "scale": 12.9, "fill": 40},
                  {"name": "site", "kind": "category", "categories": ["Busan", "Seoul"]}],
     "target": "ill", "slices": ["site"], "group": "patient", "row_id": "visit"}

    {"image": {"column": "file", "size": [64, 64], "mode": "RGB", "mean": [0.5, 0.5, 0.5], "scale": [0.25, 0.25, 0.25]},
     "target": "label"}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST_FEATURES, MOST_CATEGORIES, MOST_SLICES = 10_000, 10_000, 100
LONGEST = 60  # characters of a slice's name, so that it labels a number together with its value
LONGEST_COLUMN = 200
LARGEST_SIDE = 4096  # pixels
CHANNELS = {"L": 1, "RGB": 3}
_KEYS = {"features", "image", "target", "slices", "group", "row_id", "delimiter"}
_KNOWN = ", ".join(sorted(_KEYS))


class BadReading(ValueError):
    """The declaration cannot be followed; one sentence says what to change."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One column. A number becomes (value - mean) / scale, `fill` taking the place of a missing one; a category becomes one
    column for each of `categories`, 1 where it is that one and 0 elsewhere (a missing or unknown one: all 0)."""

    name: str
    kind: str
    mean: float = 0.0
    scale: float = 1.0
    fill: float | None = None
    categories: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        return len(self.categories) if self.kind == "category" else 1


@dataclass(frozen=True, slots=True)
class Picture:
    """Images named in `column` of the manifest, brought to `height` x `width` and `mode`, 0..1, then (value - mean) / scale."""

    column: str
    height: int
    width: int
    mode: str
    mean: tuple[float, ...]
    scale: tuple[float, ...]

    @property
    def channels(self) -> int:
        return CHANNELS[self.mode]


@dataclass(frozen=True, slots=True)
class Reading:
    """A checked declaration: either `features` or a `picture`."""

    features: tuple[Feature, ...]
    picture: Picture | None
    targets: tuple[str, ...]
    slices: tuple[str, ...]
    group: str | None
    row_id: str | None
    delimiter: str

    @property
    def width(self) -> int:
        """The number of inputs that the features become."""
        return sum(feature.width for feature in self.features)


def reading_of(declared: Any) -> Reading:
    """The declaration, checked. Raises BadReading."""
    if not isinstance(declared, Mapping):
        raise BadReading("How data are read is declared as an object with features (or image) and a target.")
    unknown = sorted(str(key) for key in set(declared) - _KEYS)
    if unknown:
        raise BadReading(
            f"A declaration of how data are read has no part {unknown[0][:60]!r}; it has {', '.join(sorted(_KEYS))}."
        )
    features, picture = declared.get("features"), declared.get("image")
    if (features is None) == (picture is None):
        raise BadReading("Declare either the features of a table or the image of a zip, not both and not neither.")
    found = _features(features) if features is not None else ()
    target = declared.get("target")
    targets = (target,) if isinstance(target, str) else tuple(target) if isinstance(target, list) else ()
    if not targets or not all(_is_name(name, LONGEST_COLUMN) for name in targets) or len(set(targets)) != len(targets):
        raise BadReading("The target names the column that holds what is true, or for labels the list of their columns.")
    slices = declared.get("slices", [])
    if not isinstance(slices, list) or len(slices) > MOST_SLICES or not all(_is_name(name, LONGEST) for name in slices):
        raise BadReading(f"Slices are a list of at most {MOST_SLICES} columns with names of at most {LONGEST} characters.")
    for key in ("group", "row_id"):
        if declared.get(key) is not None and not _is_name(declared[key], LONGEST):
            raise BadReading(f"The {key.replace('_', ' ')} is the name of one column, of at most {LONGEST} characters.")
    delimiter = declared.get("delimiter", ",")
    if delimiter not in (",", ";", "\t", "|"):
        raise BadReading("The delimiter of a CSV file is a comma, a semicolon, a tab or a vertical bar.")
    inputs = {feature.name for feature in found}
    leaked = sorted(inputs & set(targets))
    if leaked:
        raise BadReading(f"The column {leaked[0]!r} is both an input and the target, so the model would be told the answer.")
    return Reading(
        found,
        _picture(picture) if picture is not None else None,
        targets,
        tuple(dict.fromkeys(slices)),
        declared.get("group"),
        declared.get("row_id"),
        delimiter,
    )


def _features(listed: Any) -> tuple[Feature, ...]:
    if not isinstance(listed, list) or not 0 < len(listed) <= MOST_FEATURES:
        raise BadReading(f"The features are a list of 1 to {MOST_FEATURES:,} columns in the order of the model's inputs.")
    found = tuple(_feature(one) for one in listed)
    if len({feature.name for feature in found}) != len(found):
        raise BadReading("A column is named twice among the features.")
    return found


def _feature(one: Any) -> Feature:
    if not isinstance(one, Mapping) or not _is_name(one.get("name"), LONGEST_COLUMN):
        raise BadReading('Each feature is an object such as {"name": "age", "kind": "number"}.')
    name, kind = one["name"], one.get("kind", "number")
    known = {"number": {"name", "kind", "mean", "scale", "fill"}, "category": {"name", "kind", "categories"}}
    if not isinstance(kind, str) or kind not in known or set(one) - known[kind]:
        raise BadReading(f"The feature {name!r} is a number (with mean, scale, fill) or a category (with its categories).")
    if kind == "category":
        listed = one.get("categories")
        categories = listed if isinstance(listed, list) else []
        texts = all(_is_name(each, LONGEST_COLUMN) for each in categories)
        if not texts or not 0 < len(categories) <= MOST_CATEGORIES or len(set(categories)) != len(categories):
            raise BadReading(f"The feature {name!r} lists its categories: different texts in the order of the model's inputs.")
        return Feature(name, kind, categories=tuple(categories))
    mean, scale, fill = one.get("mean", 0.0), one.get("scale", 1.0), one.get("fill")
    if not (_is_number(mean) and _is_number(scale) and scale != 0 and (fill is None or _is_number(fill))):
        raise BadReading(f"Mean, scale and fill of the feature {name!r} are finite numbers, and the scale is not 0.")
    return Feature(name, kind, float(mean), float(scale), None if fill is None else float(fill))


def _picture(one: Any) -> Picture:
    if not isinstance(one, Mapping) or set(one) - {"column", "size", "mode", "mean", "scale"}:
        raise BadReading("The image has a column (of file names), a size, a mode, and perhaps mean and scale for each channel.")
    column, size, mode = one.get("column", "file"), one.get("size"), one.get("mode", "RGB")
    sides = size if isinstance(size, list) else []
    whole = len(sides) == 2 and all(type(side) is int and 0 < side <= LARGEST_SIDE for side in sides)
    if not _is_name(column, LONGEST_COLUMN) or not whole or not isinstance(mode, str) or mode not in CHANNELS:
        raise BadReading(f"The image has a size [height, width] of at most {LARGEST_SIDE} pixels a side and the mode L or RGB.")
    channels = CHANNELS[mode]
    mean, scale = one.get("mean", [0.0] * channels), one.get("scale", [1.0] * channels)
    for numbers in (mean, scale):
        if not isinstance(numbers, list) or len(numbers) != channels or not all(_is_number(each) for each in numbers):
            raise BadReading(f"Mean and scale of an image of the mode {mode} are {channels} finite numbers each.")
    if 0 in scale:
        raise BadReading("The scale of an image is not 0.")
    return Picture(column, sides[0], sides[1], mode, tuple(map(float, mean)), tuple(map(float, scale)))


def _is_name(value: Any, longest: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= longest and "\x00" not in value and value.isprintable()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e100  # not NaN
