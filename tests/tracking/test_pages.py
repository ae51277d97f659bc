"""Pages about training runs."""

from __future__ import annotations

import pytest

from tests.conftest import TOP_BAR
from tests.tracking.conftest import CODE


def test_a_run_is_shown_as_claimed_with_code_curves_and_packages(client_of, make_run, auditor):
    shown = client_of(auditor).get(make_run().get_absolute_url()).content.decode()
    for words in ("These figures are claimed.", CODE["commit"], CODE["tree"], "train/loss", "2.13.0", "betas", "5"):
        assert words in shown


def test_a_run_without_anything_says_so(client_of, make_run, auditor):
    bare = make_run(params={}, code={}, environment={}, series=[], started_at=None, ended_at=None)
    shown = client_of(auditor).get(bare.get_absolute_url()).content.decode()
    assert "No code was recorded: nothing was reported about it." in shown
    assert shown.count("None were reported.") == 4
    assert "None were kept." in shown


def test_what_people_wrote_is_shown_and_never_run(client_of, make_run, auditor):
    run = make_run(
        name="<script>x</script>", params={"<b>": "</pre><img src=x>"}, series=[{"name": "<i>", "steps": [0], "values": [1]}]
    )
    shown = client_of(auditor).get(run.get_absolute_url()).content.decode()
    for markup in ("<script>x", "<b>", "<img src=x>", "<i>"):
        assert markup not in shown


@pytest.mark.parametrize("part", ["stranger", "admin"])
def test_for_outsiders_runs_do_not_exist(client_of, make_run, request, part):
    client, run = client_of(request.getfixturevalue(part)), make_run()
    assert client.get(run.get_absolute_url()).status_code == 404
    assert "digits cnn" not in client.get("/runs/").content.decode()


@pytest.mark.parametrize("many", [1, 10])
def test_pages_cost_the_same_however_much_there_is(client_of, make_run, auditor, django_assert_max_num_queries, many):
    runs = [make_run(series=[{"name": str(place), "steps": [0], "values": [1]} for place in range(many)]) for _ in range(many)]
    client = client_of(auditor)
    for url, most in (("/runs/", 9 + TOP_BAR), (runs[0].get_absolute_url(), 12 + TOP_BAR)):
        with django_assert_max_num_queries(most):
            assert client.get(url).status_code == 200
