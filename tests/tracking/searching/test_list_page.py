"""The page of training runs: found, sorted, shown; refusals at their place."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from core.clock import now
from tests.conftest import TOP_BAR

URL = "/runs/"
NAN = float("nan")


def names(page: str) -> list[str]:
    return re.findall(r'<th scope="row"[^>]*>\s*<a [^>]*>([^<]+)</a>', page)


@pytest.fixture
def shown(client_of, auditor):
    client = client_of(auditor)

    def show(status: int = 200, **query: str) -> str:
        answer = client.get(URL, query)
        assert answer.status_code == status
        return answer.content.decode()

    return show


def test_runs_are_filtered_and_sorted(put_run, shown):
    put_run("best", metrics={"accuracy": 0.99}, params={"lr": 0.001})
    put_run("good", metrics={"accuracy": 0.95}, params={"lr": "1e-3"})
    put_run("fast", metrics={"accuracy": 0.97}, params={"lr": 0.1})
    put_run("broken", metrics={"accuracy": NAN}, params={"lr": 0.001})
    page = shown(filter="metrics.accuracy > 0.9 and params.lr < 0.01", order="metrics.accuracy desc")
    assert names(page) == ["best", "good"]
    assert "0.99" in page
    assert names(shown(order="metrics.accuracy desc")) == ["best", "fast", "good", "broken"]
    assert names(shown(order="metrics.accuracy asc")) == ["good", "fast", "best", "broken"]
    assert names(shown()) == ["broken", "fast", "good", "best"]


def test_one_experiment_can_be_chosen(put_run, shown, make_team):
    put_run("mine", experiment="digits")
    other = put_run("other", experiment="letters")
    assert names(shown(experiment=str(other.experiment_id))) == ["other"]
    hidden = put_run("theirs", in_team=make_team("speech"), experiment="secret").experiment_id
    assert "secret" in shown()  # the auditor sees every team
    assert "There is no such experiment" in shown(422, experiment="nonsense")
    assert hidden


def test_an_experiment_that_is_not_listed_is_found_by_its_address(put_run, shown, monkeypatch):
    monkeypatch.setattr("tracking.searching.views.MOST_EXPERIMENTS", 1)
    put_run("first", experiment="a")
    later = put_run("later", experiment="b")
    assert names(shown(experiment=str(later.experiment_id))) == ["later"]


def test_an_experiment_of_others_does_not_exist(put_run, client_of, scientist, make_team):
    theirs = put_run("theirs", in_team=make_team("speech"), experiment="secret")
    client = client_of(scientist)
    assert "secret" not in client.get(URL).content.decode()
    answer = client.get(URL, {"experiment": str(theirs.experiment_id)})
    assert (answer.status_code, "theirs" in answer.content.decode()) == (422, False)
    for text in (f"id = '{theirs.pk}'", "experiment = 'secret'", "not name = 'x'", "name = 'x' or name = 'theirs'"):
        assert names(client.get(URL, {"filter": text}).content.decode()) == []


def test_a_wrong_filter_is_shown_at_its_place_and_kept(put_run, shown):
    put_run("a run")
    page = shown(422, filter="metrics.a > 0.9 nad <b>", order="nam")
    assert "At character 17: Between comparisons stands “and” or “or”, not “nad”. Did you mean and?" in page
    assert "<code>metrics.a &gt; 0.9 <mark>nad</mark> &lt;b&gt;</code>" in page
    assert 'value="metrics.a &gt; 0.9 nad &lt;b&gt;"' in page
    assert "There is no attribute “nam”. Did you mean name?" in page
    assert "a run" not in names(page)


def test_what_finds_nothing_says_which_names_nobody_reported(put_run, shown):
    put_run(metrics={"val_accuracy": 0.9}, params={"learning_rate": 1}, tags={"team": "x"})
    page = shown(filter="metrics.val_acuracy > 0.5 or params.learning_rat = 1 or tags.squad = 'x' or params.learning_rate = 7")
    assert "No run here has a metric “val_acuracy”. Did you mean val_accuracy?" in page
    assert "No run here has a parameter “learning_rat”. Did you mean learning_rate?" in page
    assert "No run here has a tag “squad”." in page
    assert "“learning_rate”" not in page


def test_without_any_run_the_page_says_how_they_come(shown):
    assert "Runs come in by themselves" in shown()


def test_columns_are_the_most_frequent_metrics_or_those_chosen_or_named(put_run, shown):
    put_run(metrics={"a": 1, "b": 2, "rare": 3, "c": 4}, params={"lr": 0.5, "opt": "adam"})
    put_run(metrics={"a": 1, "b": 2, "c": 4})

    def columns(**query):
        return re.findall(r'<th scope="col" class="num"[^>]*><a [^>]*>([^<]+)<', shown(**query))

    assert columns() == ["a", "b", "c", "Duration"]
    assert columns(metric="rare", param="opt") == ["rare", "opt", "Duration"]
    assert columns(filter="metrics.rare > 0 and params.lr = 0.5") == ["rare", "a", "b", "lr", "Duration"]
    assert columns(metric="\x00") == ["a", "b", "c", "Duration"]


def test_a_column_s_title_sorts_by_it_then_the_other_way_round(put_run, shown):
    put_run(metrics={'odd "name"': 1, "train/loss": 1})
    page = shown(filter="name = 'a run'")

    def order_of(page, label):
        link = re.search(rf'<a class="sort" href="([^"]+)">{label}<', page)
        return parse_qs(urlsplit(link.group(1).replace("&amp;", "&")).query)

    asked = order_of(page, "odd &quot;name&quot;")
    assert asked == {"filter": ["name = 'a run'"], "order": ['metrics."odd ""name""" desc']}
    assert order_of(page, "train/loss")["order"] == ["metrics.train/loss asc"]  # of a loss the lowest stands first
    assert order_of(page, "Started")["order"] == ["started_at desc"]
    turned = shown(order="metrics.train/loss asc")
    assert 'aria-sort="ascending"' in turned
    assert order_of(turned, "train/loss")["order"] == ["metrics.train/loss desc"]


def test_states_are_told_and_silence_is_not_running(put_run, shown):
    put_run("runs", state="running", heard_at=now())
    put_run("silent", state="running", heard_at=now() - timedelta(hours=2))
    put_run("failed", state="failed")
    put_run("killed", state="killed")
    page = shown()
    for word in ("Running", "Not heard from", "Failed", "Stopped"):
        assert page.count(f">{word}<") == 1, word


def test_nested_runs_are_marked_and_lead_to_one_another(put_run, shown):
    parent = put_run("sweep")
    put_run("trial 1", parent=parent)
    put_run("trial 2", parent=parent, hidden_at=now())
    page = shown()
    assert page.count("part of") == 1
    link = re.search(r'href="([^"]+)">1 nested run<', page).group(1)
    assert names(shown(**{name: value for name, (value,) in parse_qs(urlsplit(link).query).items()})) == ["trial 1"]


def test_a_nested_run_is_set_in_and_others_are_not(put_run, shown):
    put_run("alone")
    put_run("trial", parent=put_run("sweep"))
    page = shown()
    assert re.findall(r'<th scope="row" class="nested">\s*<a [^>]*>([^<]+)</a>', page) == ["trial"]
    assert sorted(names(page)) == ["alone", "sweep", "trial"]


def test_hidden_runs_are_not_listed(put_run, shown):
    put_run("gone", hidden_at=now())
    assert "gone" not in shown()


def test_pages_follow_the_order(put_run, shown, monkeypatch):
    monkeypatch.setattr("tracking.searching.views.PAGE", 2)
    for place in range(5):
        put_run(f"run {place}", metrics={"a": place} if place else {})
    seen, page = [], shown(order="metrics.a desc")
    while len(seen) < 9:
        seen += names(page)
        link = re.search(r'rel="next" href="([^"]+)"', page)
        if not link:
            break
        query = parse_qs(urlsplit(link.group(1).replace("&amp;", "&")).query)
        page = shown(**{name: value for name, (value,) in query.items()})
    assert seen == ["run 4", "run 3", "run 2", "run 1", "run 0"]


def test_what_people_wrote_is_shown_and_never_run(put_run, shown):
    put_run("<script>x</script>", metrics={"<img src=x>": 1}, params={"<i>": "<u>"}, experiment="<b>bold")
    page = shown(param="<i>")
    for markup in ("<script>x", "<img src=x", "<i>", "<u>", "<b>bold"):
        assert markup not in page


@pytest.mark.parametrize("many", [1, 10])
def test_the_list_costs_the_same_whatever_its_length(put_run, client_of, auditor, django_assert_num_queries, many):
    parent = put_run("parent", started_at=datetime(2026, 11, 20, tzinfo=UTC))
    for place in range(many):
        put_run(
            str(place), parent=parent, metrics={f"m{one}": one for one in range(many)}, experiment=f"e{place}", params={"a": 1}
        )
    client = client_of(auditor)
    query = f"?order={quote('metrics.m0 desc')}&filter={quote('params.a = 1 or metrics.m0 is null')}"
    with django_assert_num_queries(9 + TOP_BAR):
        assert len(names(client.get(URL + query).content.decode())) == many + 1
