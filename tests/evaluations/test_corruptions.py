"""Damage and the sample: each kind does what it says, within the range, and the same rows are drawn for every version."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from evaluations.engine.corruptions import CORRUPTIONS, SEVERITIES, Spread, corruptions_for
from evaluations.engine.sample import Sample
from tests.evaluations.engine_cast import digits, in_chunks

BY_NAME = {one.name: one for one in CORRUPTIONS}


def _damaged(name, x, severity, seed=0):
    return BY_NAME[name](x, severity, Spread.of(x), np.random.default_rng(seed))


# -- the damage ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [one.name for one in CORRUPTIONS if one.images])
def test_damage_stays_within_the_range_and_grows_with_the_severity(name):
    x = digits()[0][:200]
    moved = []
    for severity in SEVERITIES:
        y = _damaged(name, x, severity)
        assert y.shape == x.shape and y.dtype == x.dtype and y.min() >= 0 and y.max() <= 1
        moved.append(float((y - x).abs().mean()))
    assert moved == sorted(moved) and moved[0] > 0.001 and moved[-1] > 1.4 * moved[0]


@pytest.mark.parametrize("one", CORRUPTIONS, ids=lambda one: one.name)
def test_a_row_is_damaged_the_same_way_whatever_rows_come_with_it(one):
    x = digits()[0][:30] if one.images else torch.rand(30, 12)
    whole, spread = Spread.of(x), np.random.default_rng
    rng = spread(5)
    parts = torch.cat([one(rows, 4, whole, rng) for rows in x.split(7)])
    assert torch.allclose(one(x, 4, whole, spread(5)), parts, atol=1e-6)


def test_noise_has_the_deviation_that_its_severity_names():
    middle = torch.full((400, 1, 8, 8), 0.5)
    middle[0, 0, 0, 0], middle[0, 0, 0, 1] = -3.0, 5.0  # the range is 8
    noise = (_damaged("gaussian noise", middle, 1) - middle)[1:]
    assert float(noise.std()) == pytest.approx(0.08 * 8, rel=0.02)


def test_noise_on_a_table_is_a_share_of_each_columns_deviation():
    x = torch.randn(4000, 2, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 1000.0])
    spread = (_damaged("gaussian noise", x, 2) - x).std(dim=0) / x.std(dim=0)
    assert spread.tolist() == pytest.approx([0.12, 0.12], rel=0.05)


def test_an_occlusion_is_one_square_in_the_mean_shade():
    x = torch.rand(50, 3, 10, 10, generator=torch.Generator().manual_seed(0))
    changed = _damaged("occlusion", x, 3) != x
    assert changed.flatten(1).sum(dim=1).tolist() == [3 * 9] * 50
    assert len({tuple(map(int, torch.nonzero(one[0])[0])) for one in changed}) > 10  # not always in the same place


def test_blur_and_rotation_leave_a_plain_image_alone_where_nothing_comes_in():
    plain = torch.full((3, 1, 8, 8), 0.25)
    spread = Spread.of(torch.tensor([0.0, 1.0]).reshape(2, 1, 1, 1))
    assert torch.allclose(BY_NAME["blur"](plain, 5, spread, np.random.default_rng(0)), plain)
    turned = BY_NAME["rotation"](plain, 5, spread, np.random.default_rng(0))
    assert torch.allclose(turned[:, :, 3:5, 3:5], plain[:, :, 3:5, 3:5], atol=1e-6) and turned[0, 0, 0, 0] < 0.2


def test_a_rotation_turns_by_its_angle_and_keeps_the_shape_of_wide_images():
    x = torch.zeros(1, 1, 41, 81)
    x[0, 0, 20, 60] = 1.0  # 20 to the right of the middle
    spread = Spread.of(torch.tensor([0.0, 1.0]).reshape(2, 1, 1, 1))
    turned = BY_NAME["rotation"](x, 5, spread, np.random.default_rng(0))[0, 0]
    row, column = divmod(int(turned.argmax()), 81)
    assert (abs(row - 20), column - 40) == (10, 17)  # 20 sin 30, 20 cos 30


def test_quantisation_contrast_and_light_are_what_they_are_called():
    x = digits()[0][:20]
    assert len(_damaged("quantisation", x, 4).unique()) == 4
    grey = _damaged("less contrast", x, 5)
    assert torch.allclose(grey.mean(dim=(2, 3)), x.mean(dim=(2, 3)), atol=1e-6)
    assert torch.allclose(grey.std(dim=(2, 3)), 0.05 * x.std(dim=(2, 3)), atol=1e-6)
    assert _damaged("brighter", x, 2).mean() > x.mean() + 0.1 > x.mean() > _damaged("darker", x, 2).mean() + 0.02


def test_missing_columns_stand_at_their_mean():
    x = torch.randn(60, 10, generator=torch.Generator().manual_seed(0))
    damaged = _damaged("missing columns", x, 4)
    gone = damaged != x
    assert gone.sum(dim=1).tolist() == [3] * 60
    assert torch.allclose(damaged[gone], x.mean(dim=0).expand(60, 10)[gone], atol=1e-6)
    assert "missing columns" not in [one.name for one in corruptions_for((1,))]


def test_the_spread_of_parts_is_that_of_the_whole():
    x = torch.randn(50, 4)
    whole, parts = Spread.of(x), Spread.of(x[:13]) + Spread.of(x[13:])
    for name in ("low", "high", "mean", "deviation"):
        assert torch.allclose(getattr(whole, name), getattr(parts, name))
    assert torch.allclose(whole.deviation, x.double().std(dim=0, correction=0))


# -- the sample ----------------------------------------------------------------------------------------------------------------


def _sampled(x, size, **options):
    sample = Sample(**{"most": 40, "seed": 3, **options})
    for chunk in in_chunks(x, size):
        sample.see(chunk)
    return sample


def test_the_sample_is_the_same_whatever_the_chunks_and_another_with_another_seed():
    x = torch.arange(500.0)[:, None]
    whole, parts = _sampled(x, 500), _sampled(x, 7)
    assert len(parts) == 40 and (whole.rows == parts.rows).all() and torch.equal(whole.inputs, parts.inputs)
    assert (parts.inputs[:, 0].numpy() == parts.rows).all() and (parts.targets == parts.rows).all()
    assert len(set(whole.rows) & set(_sampled(x, 500, seed=4).rows)) < 15
    assert abs(whole.rows.mean() - 250) < 80  # from everywhere


def test_the_sample_holds_no_more_bytes_than_allowed_and_all_rows_where_there_are_few():
    x = torch.zeros(100, 50)
    assert len(_sampled(x, 30, most_bytes=2000)) == 10
    assert len(_sampled(x[:5], 3)) == 5
