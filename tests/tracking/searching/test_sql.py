"""No character of a filter or an order becomes SQL, and no value makes PostgreSQL fail."""

from __future__ import annotations

import pytest

from tracking.models import TrainingRun
from tracking.searching.finding import UnreadableSearch, search_of

EVIL = 'x\'); DROP TABLE tracking_trainingrun; --%s%(a)s\\{}$$""`'
AS_TEXT, AS_NAME = EVIL.replace("'", "''"), EVIL.replace('"', '""').replace("`", "``")


def sql_of(filter: str = "", order: str = "") -> str:
    found, keyset = search_of(filter, order).among(TrainingRun.objects.all())
    keyset.page(found, size=5)  # it runs, too
    ordered = found.annotate(**{keyset._alias(place): key.expression for place, key in enumerate(keyset._keys)})
    sql, _params = ordered.order_by(*keyset._order(backwards=False)).query.sql_with_params()
    return sql


@pytest.mark.parametrize(
    "filter",
    [
        f'metrics."{AS_NAME}" > 0.5',
        f"params.`{AS_NAME}` = 1",
        f"params.`{AS_NAME}` = '{AS_TEXT}'",
        f"params.a like '{AS_TEXT}'",
        f"tags.\"{AS_NAME}\" in ('{AS_TEXT}', 3, true)",
        f'not tags."{AS_NAME}" is null',
        f"name = '{AS_TEXT}' or user ilike '{AS_TEXT}' or experiment < '{AS_TEXT}'",
        f"dataset.digest != '{AS_TEXT}'",
        f"commit not in ('{AS_TEXT}')",
    ],
)
def test_names_and_values_are_parameters(put_run, filter):
    run = put_run(params={EVIL: 1, "a": EVIL}, tags={EVIL: EVIL}, metrics={EVIL: 0.9})
    assert "DROP" not in sql_of(filter)
    assert TrainingRun.objects.get() == run


def test_names_of_an_order_are_parameters(put_run):
    put_run(params={EVIL: 1}, tags={EVIL: EVIL}, metrics={EVIL: 0.9})
    assert "DROP" not in sql_of(order=f'metrics."{AS_NAME}" desc, params."{AS_NAME}", tags."{AS_NAME}"')


@pytest.mark.parametrize(
    "value",
    [
        10**400,
        "9" * 5000,
        "1" + "0" * 200_000,
        "1e999",
        "1e99999",
        "-",
        ".",
        "e5",
        "1_000",
        "\u00a01",
        "١٢",
        "NaN",
        "Infinity",
        "",
        " ",
        [1e300],
        {"a": {}},
        True,
    ],
)
def test_what_reads_as_no_number_breaks_no_comparison_with_numbers(put_run, value):
    run = put_run(params={"a": value}, tags={"a": value if isinstance(value, str) else ""})
    for text in ("params.a < 1", "params.a != 1", "tags.a >= 1e300", "params.a in (1, 'x')", "not params.a = 0"):
        sql_of(text, "params.a desc, tags.a")
    assert [found.pk for found in search_of("params.a != 12345").among(TrainingRun.objects.all())[0]] == [run.pk]


def test_a_refusal_names_field_and_place(db):
    with pytest.raises(UnreadableSearch) as refused:
        search_of("name = 'x'", "nam desc")
    assert refused.value.facts == {"field": "order", "start": 0, "end": 3}
    assert str(refused.value) == "At character 1: There is no attribute “nam”. Did you mean name?"


def test_a_per_cent_sign_in_a_filter_is_no_placeholder_of_a_sentence(db):
    with pytest.raises(UnreadableSearch, match="“%\\(found\\)s”"):
        search_of("state = '%(found)s'")
