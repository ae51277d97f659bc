"""Curves are put together by what their names say, and the first ones drawn are those that people look at first."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tracking.charting import AT_FIRST, AT_MOST, Kind, chosen_by, drawn_at_first, kind_of, measure_of, pictures_of, token_of
from tracking.models import MetricSeries


def _series(*names, unit=""):
    return [MetricSeries(pk=uuid4(), name=name, unit=unit) for name in names]


@pytest.mark.parametrize(
    ("name", "kind", "measure"),
    [
        ("train/loss", "loss", ("loss", "train")),
        ("valid_loss", "loss", ("loss", "valid")),
        ("train_loss_epoch", "loss", ("loss", "train epoch")),
        ("val/box_loss", "loss", ("box_loss", "val")),
        ("loss", "loss", ("loss", "")),
        ("accuracy", "metric", ("accuracy", "")),
        ("val_accuracy_epoch", "metric", ("accuracy", "val epoch")),
        ("valid/accuracy", "metric", ("accuracy", "valid")),
        ("training_roc_auc", "metric", ("roc_auc", "training")),
        ("lr", "rate", ("learning rate", "lr")),
        ("lr-Adam/pg1", "rate", ("learning rate", "lr-Adam/pg1")),
        ("lr_0", "rate", ("learning rate", "lr_0")),
        ("mom_0", "rate", ("momentum", "mom_0")),
        ("lr-SGD-momentum", "rate", ("momentum", "lr-SGD-momentum")),
        ("learning_rate", "rate", ("learning rate", "learning_rate")),
        ("system/gpu_0_utilization", "rest", ("system/gpu_0_utilization", "")),
        ("epoch", "rest", ("epoch", "")),
        ("train", "metric", ("train", "")),
        ("class_0/recall", "metric", ("class_0/recall", "")),
        ("/", "metric", ("/", "")),
    ],
)
def test_a_name_says_what_a_curve_shows(name, kind, measure):
    assert (kind_of(name), measure_of(name)) == (kind, measure)


def test_the_same_measure_of_several_parts_shares_a_picture_and_units_do_not():
    percent = _series("test/accuracy", unit="%")
    pictures = pictures_of([*_series("accuracy", "lr", "train/loss", "valid/loss", "valid/accuracy"), *percent])
    assert [(one.kind, one.measure, one.unit, len(one.series)) for one in pictures] == [
        ("loss", "loss", "", 2),
        ("metric", "accuracy", "", 2),
        ("metric", "accuracy", "%", 1),
        ("rate", "learning rate", "", 1),
    ]
    assert pictures[0].short == ("train", "valid")


def test_no_picture_has_more_lines_than_can_be_told_apart():
    pictures = pictures_of(_series(*(f"lr_{place}" for place in range(20))))
    assert [len(one.series) for one in pictures] == [6, 6, 6, 2]


def test_of_many_curves_some_of_each_kind_are_drawn_at_first():
    names = ["lr", "momentum", "train/loss", "valid/loss", "valid/f1", "system/cpu", *(f"class_{place}" for place in range(60))]
    drawn = drawn_at_first(_series(*sorted(names)))
    assert len(drawn) == AT_FIRST
    assert {"lr", "momentum", "train/loss", "valid/loss", "valid/f1", "system/cpu"} <= {one.name for one in drawn}
    assert len(drawn_at_first(_series(*names[:12]))) == 12


def test_an_address_names_the_curves_and_what_it_does_not_know_is_left_out():
    series = _series(*(f"m{place}" for place in range(60)))
    assert chosen_by(f"{token_of(series[40])},{token_of(series[3])},nonsense", series) == [series[3], series[40]]
    assert len(chosen_by(",".join(token_of(one) for one in series), series)) == AT_MOST
    assert chosen_by("", series) == drawn_at_first(series)
    assert {kind_of(one.name) for one in series} == {Kind.METRIC}
