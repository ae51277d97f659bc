"""What happens to inputs outside the laboratory, in five severities: noise, blur, light, loss. Pure and seeded.

Severities of gaussian noise are those of ImageNet-C (Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common
Corruptions and Perturbations", 2019); those of the others follow it in kind, and scale with the side of the image.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch.nn import functional

SEVERITIES = (1, 2, 3, 4, 5)


@dataclass(slots=True)
class Spread:
    """Where inputs lie: least, greatest and mean value, over all values of images and for each column of anything else.

    The edges are those that were seen, unless `low` and `high` were declared.
    """

    low: torch.Tensor
    high: torch.Tensor
    total: torch.Tensor
    squares: torch.Tensor
    count: int
    image: bool

    @classmethod
    def of(cls, inputs: torch.Tensor) -> Spread:
        """Of rows [n, C, H, W] (images) or [n, ..., columns]."""
        image = inputs.dim() == 4
        x = inputs.to(torch.float64)
        x = x.reshape(-1) if image or x.dim() == 1 else x.flatten(0, -2)
        return cls(x.amin(0), x.amax(0), x.sum(0), (x * x).sum(0), len(x), image)

    def __add__(self, other: Spread) -> Spread:
        return Spread(
            torch.minimum(self.low, other.low),
            torch.maximum(self.high, other.high),
            self.total + other.total,
            self.squares + other.squares,
            self.count + other.count,
            self.image,
        )

    def declared(self, low: float | None, high: float | None) -> Spread:
        """The same, with the edges that a suite declares in place of those seen."""
        return Spread(
            self.low if low is None else torch.full_like(self.low, low),
            self.high if high is None else torch.full_like(self.high, high),
            self.total,
            self.squares,
            self.count,
            self.image,
        )

    @property
    def mean(self) -> torch.Tensor:
        return self.total / self.count

    @property
    def deviation(self) -> torch.Tensor:
        return (self.squares / self.count - self.mean**2).clamp(min=0).sqrt()

    @property
    def range(self) -> torch.Tensor:
        return self.high - self.low

    @property
    def noise_scale(self) -> torch.Tensor:
        """What a sigma of 1 means: the whole range of an image, one standard deviation of a column."""
        return self.range if self.image else self.deviation

    def clip(self, x: torch.Tensor) -> torch.Tensor:
        return torch.minimum(torch.maximum(x, self.low.to(x.dtype)), self.high.to(x.dtype))


Apply = Callable[[torch.Tensor, float, Spread, np.random.Generator], torch.Tensor]


@dataclass(frozen=True, slots=True)
class Corruption:
    """One kind of damage: `levels` are its five severities in the unit that its function takes."""

    name: str
    levels: tuple[float, ...]
    apply: Apply = field(repr=False)
    images: bool = True
    tables: bool = False

    def __call__(self, inputs: torch.Tensor, severity: int, spread: Spread, rng: np.random.Generator) -> torch.Tensor:
        """Rows as they come, damaged and clipped to the range. Rows drawn one after another from `rng` are the same rows."""
        x = inputs.to(torch.float32)
        return spread.clip(self.apply(x, self.levels[severity - 1], spread, rng)).to(inputs.dtype)


def corruptions_for(shape: tuple[int, ...]) -> list[Corruption]:
    """Those that make sense for rows of this shape: [C, H, W] is an image, all else a table or a series of columns."""
    if len(shape) == 3:
        return [one for one in CORRUPTIONS if one.images]
    several = bool(shape) and shape[-1] > 1
    return [one for one in CORRUPTIONS if one.tables and (several or one.name != "missing columns")]


def _noise(x: torch.Tensor, sigma: float, spread: Spread, rng: np.random.Generator) -> torch.Tensor:
    drawn = torch.from_numpy(rng.standard_normal(tuple(x.shape), dtype=np.float32))
    return x + sigma * spread.noise_scale.to(x.dtype) * drawn


def _occlude(x: torch.Tensor, share: float, spread: Spread, rng: np.random.Generator) -> torch.Tensor:
    """A square of that share of the shorter side, somewhere, in the mean shade."""
    n, _, height, width = x.shape
    k = max(1, round(share * min(height, width)))
    places = rng.random((n, 2))
    tops = (places[:, 0] * (height - k + 1)).astype(np.int64)
    lefts = (places[:, 1] * (width - k + 1)).astype(np.int64)
    rows, columns = np.arange(height), np.arange(width)
    inside = ((rows >= tops[:, None]) & (rows < tops[:, None] + k))[:, None, :, None]
    inside = inside & ((columns >= lefts[:, None]) & (columns < lefts[:, None] + k))[:, None, None, :]
    return torch.where(torch.from_numpy(inside), spread.mean.to(x.dtype), x)


def _blur(x: torch.Tensor, sigma: float, spread: Spread, rng: np.random.Generator) -> torch.Tensor:
    """Gaussian, sigma in pixels of an image of 32 and in proportion for larger ones."""
    channels, height, width = x.shape[1:]
    sigma = sigma * max(1.0, min(height, width) / 32)
    reach = min(math.ceil(3 * sigma), height - 1, width - 1)
    if reach < 1:
        return x
    steps = torch.arange(-reach, reach + 1, dtype=x.dtype)
    kernel = torch.exp(-0.5 * (steps / sigma) ** 2)
    kernel = (kernel / kernel.sum()).repeat(channels, 1, 1, 1)
    padded = functional.pad(x, (reach, reach, reach, reach), mode="replicate")
    across = functional.conv2d(padded, kernel, groups=channels)
    return functional.conv2d(across, kernel.transpose(2, 3), groups=channels)


def _shift(x: torch.Tensor, by: float, spread: Spread, rng: np.random.Generator) -> torch.Tensor:
    return x + by * spread.range.to(x.dtype)


def _contrast(x: torch.Tensor, kept: float, spread: Spread, rng: np.random.Generator) -> torch.Tensor:
    mean = x.mean(dim=(2, 3), keepdim=True)
    return (x - mean) * kept + mean


def _quantise(x: torch.Tensor, levels: float, spread: Spread, rng: np.random.Generator) -> torch.Tensor:
    step = (spread.range / (levels - 1)).to(x.dtype)
    low = spread.low.to(x.dtype)
    return torch.where(step > 0, low + torch.round((x - low) / step.clamp(min=1e-30)) * step, x)


def _rotate(x: torch.Tensor, degrees: float, spread: Spread, rng: np.random.Generator) -> torch.Tensor:
    """Either way, around the middle; what comes in from outside has the least value."""
    angles = np.deg2rad(degrees) * np.where(rng.random(len(x)) < 0.5, -1.0, 1.0)
    cos, sin = np.cos(angles), np.sin(angles)
    ratio = x.shape[3] / x.shape[2]
    turn = np.stack([np.stack([cos, -sin / ratio, 0 * cos], 1), np.stack([sin * ratio, cos, 0 * cos], 1)], 1)
    grid = functional.affine_grid(torch.from_numpy(turn).to(x.dtype), list(x.shape), align_corners=False)
    low = spread.low.to(x.dtype)
    return functional.grid_sample(x - low, grid, mode="bilinear", padding_mode="zeros", align_corners=False) + low


def _drop_columns(x: torch.Tensor, share: float, spread: Spread, rng: np.random.Generator) -> torch.Tensor:
    """In each row that share of the columns (at least one) is missing and stands at its column's mean."""
    columns = x.shape[-1]
    k = min(columns - 1, max(1, round(share * columns)))
    order = rng.random((len(x), columns)).argsort(axis=1).argsort(axis=1)
    gone = torch.from_numpy(order < k).reshape(len(x), *[1] * (x.dim() - 2), columns)
    return torch.where(gone, spread.mean.to(x.dtype), x)


CORRUPTIONS = (
    Corruption("gaussian noise", (0.08, 0.12, 0.18, 0.26, 0.38), _noise, tables=True),
    Corruption("occlusion", (0.1, 0.2, 0.3, 0.4, 0.5), _occlude),
    Corruption("blur", (0.4, 0.6, 0.8, 1.0, 1.5), _blur),
    Corruption("rotation", (5, 10, 15, 20, 30), _rotate),
    Corruption("quantisation", (32, 16, 8, 4, 2), _quantise, tables=True),
    Corruption("brighter", (0.1, 0.2, 0.3, 0.4, 0.5), _shift),
    Corruption("darker", (-0.1, -0.2, -0.3, -0.4, -0.5), _shift),
    Corruption("less contrast", (0.4, 0.3, 0.2, 0.1, 0.05), _contrast),
    Corruption("missing columns", (0.05, 0.1, 0.2, 0.3, 0.5), _drop_columns, images=False, tables=True),
)
