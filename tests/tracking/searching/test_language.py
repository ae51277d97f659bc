"""Text to trees: what may be written, and one clear sentence with its place for what may not."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.searching.language import Misread, parse_filter, parse_order
from tracking.searching.language.parser import DEPTH, MOST_COMPARISONS, MOST_VALUES
from tracking.searching.language.tree import (
    Absent,
    Among,
    And,
    Attribute,
    Compare,
    Data,
    Metric,
    Not,
    NotANumber,
    Operator,
    Or,
    Param,
    Part,
    Shape,
    Tag,
    Term,
)

RUN = UUID("0190b4d2-c5f6-7a8b-9c0d-1e2f3a4b5c6d")
ACCURACY = Compare(Metric("accuracy"), Operator.GREATER, Decimal("0.9"))
RATE = Compare(Param("lr"), Operator.LESS, Decimal("0.01"))
VISION = Compare(Tag("team"), Operator.EQUAL, "vision")


def attribute(name: str, shape: Shape = Shape.TEXT) -> Attribute:
    return Attribute(name, shape)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", None),
        ("  \n\t ", None),
        ('metrics.accuracy > 0.9 and params.lr < 0.01 and tags.team = "vision"', And((ACCURACY, RATE, VISION))),
        ("metrics.accuracy>0.9 AND(params.lr<0.01)", And((ACCURACY, RATE))),
        # and binds tighter than or, not tighter than and
        ("metrics.accuracy > 0.9 or params.lr < 0.01 and tags.team = 'vision'", Or((ACCURACY, And((RATE, VISION))))),
        ("(metrics.accuracy > 0.9 or params.lr < 0.01) and tags.team = 'vision'", And((Or((ACCURACY, RATE)), VISION))),
        ("not metrics.accuracy > 0.9 and params.lr < 0.01", And((Not(ACCURACY), RATE))),
        ("not not tags.team = 'vision'", Not(Not(VISION))),
        # names
        ('metrics."val/loss" < 1', Compare(Metric("val/loss"), Operator.LESS, Decimal(1))),
        ("metrics.`val loss` < 1", Compare(Metric("val loss"), Operator.LESS, Decimal(1))),
        ("metrics.'a''b' < 1", Compare(Metric("a'b"), Operator.LESS, Decimal(1))),
        ("metrics.val/loss < 1", Compare(Metric("val/loss"), Operator.LESS, Decimal(1))),
        ("metrics.eval.loss < 1", Compare(Metric("eval.loss"), Operator.LESS, Decimal(1))),
        ("params.0 = 1", Compare(Param("0"), Operator.EQUAL, Decimal(1))),
        ("params.학습률 = 1", Compare(Param("학습률"), Operator.EQUAL, Decimal(1))),
        ("params.and = 1", Compare(Param("and"), Operator.EQUAL, Decimal(1))),
        # the parts of a metric
        ("metrics.loss.min < 1", Compare(Metric("loss", Part.LOWEST), Operator.LESS, Decimal(1))),
        ("metrics.loss.max < 1", Compare(Metric("loss", Part.HIGHEST), Operator.LESS, Decimal(1))),
        ("metrics.loss.last < 1", Compare(Metric("loss"), Operator.LESS, Decimal(1))),
        ("metrics.min < 1", Compare(Metric("min"), Operator.LESS, Decimal(1))),
        ('metrics."loss.min" < 1', Compare(Metric("loss.min"), Operator.LESS, Decimal(1))),
        ('metrics."loss.min".min < 1', Compare(Metric("loss.min", Part.LOWEST), Operator.LESS, Decimal(1))),
        ("params.loss.min < 1", Compare(Param("loss.min"), Operator.LESS, Decimal(1))),
        # numbers
        ("metrics.a = -1e-3", Compare(Metric("a"), Operator.EQUAL, Decimal("-0.001"))),
        ("metrics.a = .5", Compare(Metric("a"), Operator.EQUAL, Decimal("0.5"))),
        ("metrics.a < -Infinity", Compare(Metric("a"), Operator.LESS, Decimal("-Infinity"))),
        # texts and what stands in them
        ("params.lr = '0.01'", Compare(Param("lr"), Operator.EQUAL, "0.01")),
        ('params.lr = "it\'s"', Compare(Param("lr"), Operator.EQUAL, "it's")),
        ("params.lr = 'it''s'", Compare(Param("lr"), Operator.EQUAL, "it's")),
        ("params.lr = ''", Compare(Param("lr"), Operator.EQUAL, "")),
        ("params.shuffle = True", Compare(Param("shuffle"), Operator.EQUAL, True)),
        ("tags.a not like '%x_'", Compare(Tag("a"), Operator.NOT_LIKE, "%x_")),
        # attributes, by their names here and by MLflow's, with and without the prefix
        ("attributes.state != 'Failed'", Compare(attribute("state", Shape.STATE), Operator.UNEQUAL, "failed")),
        ("status = 'FINISHED'", Compare(attribute("state", Shape.STATE), Operator.EQUAL, "finished")),
        ("run_name ILIKE '%digits%'", Compare(attribute("name"), Operator.ILIKE, "%digits%")),
        ("attr.`run name` = 'x'", Compare(attribute("name"), Operator.EQUAL, "x")),
        ("attribute.user_id = 'x'", Compare(attribute("user"), Operator.EQUAL, "x")),
        ("run.dirty = false", Compare(attribute("dirty", Shape.FLAG), Operator.EQUAL, False)),
        (f"run_id IN ('{RUN.hex}', '{RUN}')", Among(attribute("id", Shape.RUN), (RUN, RUN))),
        ("parent IS NULL", Absent(attribute("parent", Shape.RUN))),
        (
            "attributes.start_time > 1664067852747",
            Compare(attribute("started_at", Shape.MOMENT), Operator.GREATER, datetime(2022, 9, 25, 1, 4, 12, 747000, UTC)),
        ),
        (
            "started_at >= '2026-11-20'",
            Compare(attribute("started_at", Shape.MOMENT), Operator.AT_LEAST, datetime(2026, 11, 20, tzinfo=UTC)),
        ),
        (
            "ended_at < '2026-11-20 14:30+09:00'",
            Compare(attribute("ended_at", Shape.MOMENT), Operator.LESS, datetime(2026, 11, 20, 5, 30, tzinfo=UTC)),
        ),
        ("duration > 90", Compare(attribute("duration", Shape.SECONDS), Operator.GREATER, Decimal(90))),
        ("duration > '1h 30 min'", Compare(attribute("duration", Shape.SECONDS), Operator.GREATER, Decimal(5400))),
        ("dataset.digest = 'x'", Compare(Data("digest"), Operator.EQUAL, "x")),
        # several values, nothing, NaN
        ("tags.team not in ('a', 'b')", Among(Tag("team"), ("a", "b"), True)),
        ("params.lr in (1, '1')", Among(Param("lr"), (Decimal(1), "1"))),
        ("params.lr is not null", Absent(Param("lr"), True)),
        ("metrics.loss is nan", NotANumber(Metric("loss"))),
        ("metrics.loss IS NOT NaN", NotANumber(Metric("loss"), True)),
    ],
)
def test_what_may_be_written(text, tree):
    assert parse_filter(text) == tree


@pytest.mark.parametrize(
    ("text", "at", "words"),
    [
        ("metrcs.a > 1", 1, "Did you mean metrics.a?"),
        ("widgets.a > 1", 1, "begin with metrics, params, tags, attributes or dataset"),
        ("learning_rate > 3", 1, "write metrics.learning_rate, params.learning_rate or tags.learning_rate"),
        ("attributes.stat = 'x'", 1, "Did you mean state?"),
        ("attributes.artifact_uri = 'x'", 1, "there are id, name, state"),
        ("state = 'finishd'", 9, "Did you mean finished?"),
        ("state = 'SCHEDULED'", 9, "there are running, finished, failed, killed"),
        ("state > 'failed'", 7, "has no order"),
        ("metrics. > 1", 1, "must follow a name"),
        ("metrics.a > '1'", 13, "write 1 without quotes"),
        ("metrics.a > vision", 13, "Here must stand a number"),
        ("metrics.a LIKE 'x'", 11, "LIKE compares texts"),
        ("metrics.a = nan", 13, "write IS NAN"),
        ("metrics.`a`.mean > 1", 12, "not “.mean”"),
        ("params.`a`.min > 1", 11, "cannot follow this name"),
        ("params.a is nan", 13, "Only metrics can be NaN"),
        ("params.lr < inf", 13, "finite numbers"),
        ("params.lr = vision", 13, "a text in quotes: 'vision'"),
        ("params.a < true", 12, "have no order"),
        ("name = 3", 8, "write '3' in quotes"),
        ("tags.a = 1.2.3", 10, "such as '1.2.3'"),
        ("tags.a = 3px", 10, "such as '3px'"),
        ("dirty = 'perhaps'", 9, "true or false"),
        ("run_id = 'x'", 10, "is not the id of a run"),
        ("started_at > 'yesterday'", 14, "write '2026-11-20'"),
        ("started_at > 1e300", 14, "is no moment"),
        ("started_at > nan", 14, "is no moment"),
        ("duration > 'an hour'", 12, "is no duration"),
        ("dataset.colour = 'x'", 1, "name, digest or context"),
        ("metrics.a == 1", 11, "Did you mean =?"),
        ("metrics.a <> 1", 11, "Did you mean !=?"),
        ("metrics.a => 1", 11, "Did you mean >=?"),
        ("metrics.a > 1 && metrics.b > 1", 15, "Did you mean and?"),
        ("metrics.a >", 12, "ends where a value must follow"),
        ("metrics.a", 10, "ends where a comparison sign and a value must follow"),
        ("metrics.a > 1 and", 18, "ends where a comparison must follow"),
        ("metrics.a > 1 nad metrics.b < 2", 15, "not “nad”. Did you mean and?"),
        ("metrics.a > 1, metrics.b < 2", 14, "not by a comma"),
        ("metrics.a > 1)", 14, "closes none that is open"),
        ("(metrics.a > 1", 1, "never closed"),
        ("tags.a in ('x'", 11, "never closed"),
        ("tags.a in ()", 12, "Here must stand a value"),
        ("tags.a in ('x' 'y')", 16, "stands a comma"),
        ("tags.a in 'x'", 11, "values in parentheses"),
        ("tags.a lik 'x'", 8, "Did you mean LIKE?"),
        ("tags.a not = 'x'", 12, "After NOT must follow IN"),
        ("tags.a is 3", 11, "After IS must follow NULL"),
        ("params.learning rate > 3", 17, 'params."learning rate"'),
        ("0.9 < metrics.a", 1, "The name stands first"),
        ("tags.a = 'x", 10, "never closed"),
        ("tags.a = ’x’", 10, "straight quotes"),
        ("tags.a = 'x' ; drop", 14, "; cannot stand here"),
        ("name LIKE 'a\\'", 11, "single backslash"),
        ("tags.a = 'x\x00'", 12, "take it out"),
        ("tags.a = '\ud800'", 11, "take it out"),
        ("metrics.a > 1e9999", 13, "exponent"),
        ("metrics.a > " + 80 * "9", 13, "at most 60"),
        ('tags."" = 1', 1, "1 to 500"),
        (f"tags.{501 * 'a'} = 1", 1, "1 to 500"),
        (f"tags.a = '{6001 * 'a'}'", 10, "at most 6000"),
        (" or ".join(["dirty = true"] * (MOST_COMPARISONS + 1)), 801, f"at most {MOST_COMPARISONS}"),
        ((DEPTH + 1) * "(" + "dirty = true", DEPTH + 2, f"at most {DEPTH} deep"),
        ((DEPTH + 1) * "not " + "dirty = true", 4 * DEPTH + 5, f"at most {DEPTH} deep"),
        (f"params.a in ({', '.join('1' for _ in range(MOST_VALUES + 1))})", 3014, f"at most {MOST_VALUES}"),
        (20_001 * " ", 20_001, "shorten it"),
    ],
)
def test_what_cannot_be_read_is_refused_at_its_place(text, at, words):
    with pytest.raises(Misread) as refused:
        parse_filter(text)
    assert f"At character {at}: " in str(refused.value)
    assert words in str(refused.value)


def test_the_limits_are_reached_exactly():
    parse_filter(" or ".join(["dirty = true"] * MOST_COMPARISONS))
    parse_filter(DEPTH * "(" + "dirty = true" + DEPTH * ")")
    parse_filter(f"params.a in ({', '.join('1' for _ in range(MOST_VALUES))})")


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("", ()),
        (
            "metrics.val_accuracy desc, started_at asc",
            (Term(Metric("val_accuracy"), True), Term(attribute("started_at", Shape.MOMENT))),
        ),
        ("metrics.`val loss`.min", (Term(Metric("val loss", Part.LOWEST)),)),
        ("attributes.start_time DESC", (Term(attribute("started_at", Shape.MOMENT), True),)),
        ("params.lr,tags.team DESC", (Term(Param("lr")), Term(Tag("team"), True))),
    ],
)
def test_what_an_order_may_be(text, order):
    assert parse_order(text) == order


@pytest.mark.parametrize(
    ("text", "at", "words"),
    [
        ("metrics.a dsc", 11, "Did you mean desc?"),
        ("metrics.a desc metrics.b", 16, "between names a comma"),
        ("metrics.a,", 11, "ends where a name must follow"),
        ("3", 1, "Here must stand a name"),
        ("accuracy desc", 1, "write metrics.accuracy"),
        ("dataset.name", 1, "several datasets"),
        ("name, name desc", 12, "twice"),
        ("name, id, user, state, commit, branch", 32, "at most 5"),
    ],
)
def test_an_order_that_cannot_be_read_is_refused_at_its_place(text, at, words):
    with pytest.raises(Misread) as refused:
        parse_order(text)
    assert f"At character {at}: " in str(refused.value)
    assert words in str(refused.value)


_PIECES = st.sampled_from(
    [
        *("metrics.a", "params.", "tags.`x y`", "run_id", "state", "=", "!=", "<", ">=", "==", "(", ")", ",", "and", "or", "not"),
        *(
            "in",
            "is",
            "null",
            "nan",
            "like",
            "'x'",
            '"',
            "`",
            "'%\\'",
            "1",
            "-1e3",
            ".",
            "\\",
            "é",
            "%s",
            "%(found)s",
            ";",
            "--",
            "desc",
        ),
    ]
)


@given(st.one_of(st.text(max_size=60), st.lists(_PIECES, max_size=12).map(" ".join), st.lists(_PIECES, max_size=12).map("".join)))
def test_any_text_is_read_or_refused_with_a_place_in_it(text):
    for parse in (parse_filter, parse_order):
        try:
            parse(text)
        except Misread as refused:
            assert 0 <= refused.start <= refused.end <= len(text)
            assert str(refused)
