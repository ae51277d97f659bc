"""Pages about data: what they show, what they hide, and that they cost the same however much there is."""

from __future__ import annotations

import pytest

from data_registry import services, tasks, uses
from tests.conftest import TOP_BAR


@pytest.fixture
def page(client_of):
    def read(person, thing) -> str:
        answer = client_of(person).get(thing if isinstance(thing, str) else thing.get_absolute_url())
        assert answer.status_code == 200, answer.content
        return answer.content.decode()

    return read


def test_a_version_shows_the_way_on_which_personal_data_reaches_it(page, make_registered, scientist, auditor):
    annotators, digits = make_registered(columns=[{"name": "email", "category": "contact"}]), make_registered("digits")
    services.link_versions(digits, by=scientist, kind="labelled_by", to_version=annotators)
    shown = page(auditor, digits)
    assert "Column “email” of annotators v1 (contact), which labelled digits v1" in shown
    assert "labelled_by" not in shown  # the record's word
    assert "Personal data are in it, or in what it came from." in shown
    assert f'href="{annotators.get_absolute_url()}"' in shown
    assert f'href="{digits.get_absolute_url()}"' in page(auditor, annotators)


def test_a_version_shows_what_was_counted_found_and_not_checked(page, make_registered, auditor):
    version = make_registered()
    assert "A worker reads the content" in page(auditor, version)
    assert "Whether there is any is not known." in page(auditor, version)
    tasks.profile(str(version.profile.pk))
    shown = page(auditor, version)
    assert "2</span> rows, as a worker read them in the sandbox." in shown
    assert "2 of 2 cells" in shown
    assert "Names, addresses, health and everything else that no pattern recognises" in shown


def test_nothing_found_is_never_said_of_data_that_nobody_looked_at(page, make_registered, auditor):
    for version in (
        make_registered("digits"),
        make_registered("images", format="other"),
        make_registered("broken", format="parquet"),
    ):
        if version.format == "parquet":
            tasks.profile(str(version.profile.pk))
        shown = page(auditor, version)
        assert "None was declared or found." not in shown
        assert "Whether there is any is not known." in shown
    assert "only safetensors, CSV and Parquet can be read" in page(auditor, make_registered("images", format="other"))


def test_a_draft_says_so(page, make_draft, scientist):
    assert "This version is a draft." in page(scientist, make_draft())


def test_provenance_is_shown_in_the_words_of_the_standard(page, make_registered, auditor):
    shown = page(auditor, make_registered())
    assert 'How it was made<span class="sub">provenance.generation-method</span>' in shown
    assert "Primary user source Survey/Questionnaire" in shown


def test_what_people_wrote_is_shown_and_never_run(page, make_registered, scientist, dpo):
    version = make_registered("<script>alert(1)</script>", columns=[{"name": "<b>c</b>", "category": "contact"}])
    services.record_finding(version, by=dpo, category="health", present="yes", review=True, note="<img src=x>")
    shown = page(scientist, version)
    assert "<script>alert" not in shown
    assert "<b>c</b>" not in shown
    assert "<img src=x>" not in shown
    assert "&lt;b&gt;c&lt;/b&gt;" in shown


def test_what_others_made_of_data_is_named_only_to_those_who_see_it(page, make_registered, make_team, make_person, scientist):
    other, both = make_team("speech"), make_person("Kim", ("data_scientist", None))
    digits, voices = make_registered("digits"), make_registered("voices", by=both, in_team=other)
    services.link_versions(voices, by=both, kind="derived_from", to_version=digits)
    shown = page(scientist, digits)
    assert "voices" not in shown
    assert "and 1 version that you may not see" in shown
    assert "voices v1" in page(both, digits)


def test_uses_come_from_the_packages_above(page, make_registered, auditor, monkeypatch):
    version = make_registered()
    use = uses.Use("digit-reader v3", "/versions/x/", "training")
    monkeypatch.setattr("data_registry.views.USES", [lambda of, reader: [use] if (of, reader) == (version, auditor) else []])
    assert '<a href="/versions/x/">digit-reader v3</a>' in page(auditor, version)


@pytest.mark.parametrize("part", ["stranger", "admin"])
def test_for_outsiders_pages_do_not_exist(client_of, make_registered, request, part):
    version, client = make_registered(), client_of(request.getfixturevalue(part))
    for thing in (version, version.dataset):
        assert client.get(thing.get_absolute_url()).status_code == 404
    assert "annotators" not in client.get("/datasets/").content.decode()


def test_without_sign_in_pages_lead_to_it(client_of, make_registered):
    answer = client_of().get(make_registered().get_absolute_url())
    assert (answer.status_code, answer.url.split("?")[0]) == (302, "/accounts/login/")


@pytest.mark.parametrize("number", [0, 99, 10**30])
def test_numbers_that_are_no_version_are_not_found(client_of, make_registered, scientist, number):
    version = make_registered()
    assert client_of(scientist).get(f"/datasets/{version.dataset_id}/versions/{number}/").status_code == 404


def test_pages_answer_only_reading(client_of, make_registered, scientist):
    assert client_of(scientist).post(make_registered().get_absolute_url()).status_code == 405


@pytest.mark.parametrize("many", [1, 10])
def test_pages_cost_the_same_however_much_there_is(client_of, make_registered, scientist, django_assert_max_num_queries, many):
    version = make_registered("digits")
    for place in range(many):
        other = make_registered(f"set {place}", columns=[{"name": "email", "category": "contact"}])
        services.link_versions(version, by=scientist, kind="derived_from", to_version=other)
        services.link_versions(make_registered(f"child {place}"), by=scientist, kind="split_from", to_version=version)
        services.record_finding(version, by=scientist, category="health", present="no", column=str(place), note="n")
    client = client_of(scientist)
    for url, most in {"/datasets/": 6, version.dataset.get_absolute_url(): 7, version.get_absolute_url(): 18}.items():
        with django_assert_max_num_queries(most + TOP_BAR):
            assert client.get(url).status_code == 200
