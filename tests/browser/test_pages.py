"""Every page as its people see it: without barriers, in both themes, wide and on a phone, with and without scripts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.urls import resolve
from playwright.sync_api import Page, expect

from config.access import ACCESS, NOBODY
from tests.browser.looking import look_at
from tests.browser.pages import NO_PAGE, PAGES
from tests.browser.site import WORK, Site
from tests.config.test_access import MLFLOW, ROUTES

pytestmark = [pytest.mark.browser, pytest.mark.worker]


class _Any(dict[str, str]):
    """An id for whatever an address names."""

    def __missing__(self, name: str) -> str:
        return "0" if name == "entry" else "01890a5d-ac96-774b-bcce-b302099a8057"


def test_every_route_that_shows_a_page_is_looked_at() -> None:
    """A page that is added stands in the table of pages, or among those that are none, with the reason."""
    looked_at = {resolve(one.path.partition("?")[0].format_map(_Any())).view_name for one in PAGES.values()}
    pages = {name for name in ROUTES if not name.startswith(("api-", MLFLOW)) and ACCESS[name].reads != NOBODY}
    assert pages - looked_at == set(NO_PAGE)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_barriers_in_any_theme_and_size(furnished: dict[str, Any], people: Any, name: str) -> None:
    looked = PAGES[name]
    page = people.window(looked.role)
    people.messages.clear()
    answer = page.goto(looked.path.format(**furnished))
    assert answer.status == looked.status
    assert look_at(page) == []
    expected = [] if looked.status == 200 else [f"status of {looked.status}"]
    assert [line for line in people.messages if not any(one in line for one in expected)] == []


def test_what_the_rows_of_a_file_would_do_has_no_barriers(furnished: dict[str, Any], people: Any, tmp_path: Path) -> None:
    file = tmp_path / "findings.csv"
    file.write_text("title,severity,due_on,model\nBars become ones,low,2027-02-01,form-sorter\n,high,soon,nowhere\n")
    page: Page = people.window("validator")
    page.goto("/findings/import/")
    page.set_input_files("input[type=file]", file)
    page.get_by_role("button", name="Look at its rows").click()
    expect(page.get_by_text("Bars become ones").first).to_be_visible()
    assert look_at(page) == []


def test_enrolling_a_second_factor_has_no_barriers(site: Site, people: Any) -> None:
    page: Page = people.window("validator")
    page.goto("/accounts/2fa/totp/activate/")
    if page.locator("input[name=password]").count():  # asked anew a while after signing in
        page.fill("input[name=password]", site.cast["validator"]["password"])
        page.get_by_role("button", name="Confirm").click()
    expect(page.locator("input[name=code]")).to_be_visible()
    assert look_at(page) == []


FLAWS = {
    "image-alt": "document.querySelector('main').append(Object.assign(new Image(), {src: '/static/img/mark.svg'}))",
    "color-contrast": "document.querySelector('h1').setAttribute('class', 'flaw'); "
    "document.querySelector('h1').style.color = '#bbbbbb'",
    "wider than the window": "document.querySelector('h1').style.minInlineSize = '2000px'",
}


@pytest.mark.parametrize("flaw", FLAWS)
def test_who_looks_at_pages_sees_flaws(site: Site, people: Any, flaw: str) -> None:
    page = people.window()
    page.goto("/accounts/login/")
    page.evaluate(FLAWS[flaw])
    assert any(flaw in line for line in look_at(page))


def test_what_the_policy_of_the_page_forbids_is_noticed(site: Site, people: Any) -> None:
    page = people.window()
    page.goto("/accounts/login/")
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'}))")
    assert page.evaluate("window.ran") is None
    assert any("Content Security Policy" in line for line in people.messages)


def test_a_page_that_does_not_exist_says_so(furnished: dict[str, Any], people: Any) -> None:
    page = people.window("validator")
    assert page.goto("/versions/01a1f8a2-0a1e-7708-9a86-110ec044d694/").status == 404


# -- the keyboard ------------------------------------------------------------------------------------------------------------

FOCUSED = """() => {
  const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
  const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  const card = one.closest(".radio-card");
  const cardRing = card !== null && getComputedStyle(card).outlineStyle !== "none";
  return {name: one.outerHTML.slice(0, 120), body: one === document.body, seen: ring || cardRing, size: box.width * box.height};
}"""


@pytest.mark.parametrize("name", ["review-to-decide", "submit-again", "monitoring", "verify"])
def test_the_keyboard_reaches_everything_and_its_place_is_seen(furnished: dict[str, Any], people: Any, name: str) -> None:
    page: Page = people.window(PAGES[name].role)
    page.goto(PAGES[name].path.format(**furnished))
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    unseen, places = [], set()
    for _ in range(400):
        page.keyboard.press("Tab")
        here = page.evaluate(FOCUSED)
        if here["body"]:
            break
        places.add(here["name"])
        if not here["seen"] or here["size"] <= 0:
            unseen.append(here["name"])
    assert unseen == []
    assert any("<button" in place for place in places)


def test_the_menu_of_a_person_opens_and_closes_with_the_keyboard(furnished: dict[str, Any], people: Any) -> None:
    page: Page = people.window("validator")
    page.goto("/models/")
    button = page.get_by_role("button", name="Your menu")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()


# -- what people see ---------------------------------------------------------------------------------------------------------


def test_submitting_is_offered_to_those_who_may(furnished: dict[str, Any], people: Any) -> None:
    for role, offered in (("data_scientist", True), ("compliance_officer", False), ("auditor", False), ("risk_manager", False)):
        page: Page = people.window(role)
        page.goto(f"/models/{furnished['model']}/")
        assert (page.get_by_role("link", name="Submit version").count() > 0) is offered, role
    page.goto("/submit/")
    expect(page.get_by_text("Only data scientists submit versions.")).to_be_visible()


def test_on_a_phone_the_decision_follows_what_blocks_it(furnished: dict[str, Any], people: Any) -> None:
    page: Page = people.window("validator", viewport={"width": 390, "height": 844})
    page.goto(f"/reviews/{furnished['paper_review']}/")
    tops = [page.locator(one).bounding_box()["y"] for one in (".split-lead", "#decision", ".split-body")]  # type: ignore[index] # all shown
    assert tops == sorted(tops)
    expect(page.get_by_role("link", name="Decide")).to_be_visible()


def test_what_blocks_an_approval_stands_beside_the_choice_that_it_blocks(furnished: dict[str, Any], people: Any) -> None:
    page: Page = people.window("validator")
    page.goto(f"/reviews/{furnished['paper_review']}/")
    expect(page.locator("input[name=verdict][value=approve]")).to_be_disabled()
    expect(page.locator("input[name=verdict][value=reject]")).to_be_enabled()
    expect(page.locator("input[name=verdict][value=approve_with_conditions]")).to_be_disabled()
    expect(page.get_by_text(re.compile(r"Not possible: \d+ reasons stand against it; see above\.")).first).to_be_visible()
    expect(page.get_by_role("heading", name="Accuracy, at least 95 %")).to_have_count(0)  # a row of a list, not a heading
    expect(page.get_by_text("Accuracy, at least 95 %").first).to_be_visible()


def test_a_refused_form_keeps_what_was_typed_and_says_what_is_missing(furnished: dict[str, Any], people: Any) -> None:
    page: Page = people.window("data_scientist")
    page.goto("/submit/")
    page.fill("textarea[name=card_overview]", "Reads one digit.")
    page.locator("form").last.evaluate("form => { form.noValidate = true; }")
    page.get_by_role("button", name="Submit for review").click()
    expect(page.get_by_role("alert")).to_contain_text("Please look again at")
    expect(page.locator("textarea[name=card_overview]")).to_have_value("Reads one digit.")
    expect(page.get_by_text("Tick at least one dataset version.").first).to_be_visible()
    assert look_at(page) == []


# -- without scripts ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def plain(people: Any) -> Callable[[str], Page]:
    """A window in which no script runs, signed in through the page."""

    def open_window(role: str) -> Page:
        page = people.window(java_script_enabled=False)
        people.sign_in(page, role)
        return page

    return open_window


def test_a_person_signs_without_scripts(furnished: dict[str, Any], site: Site, plain: Callable[[str], Page]) -> None:
    page = plain("validator")
    page.get_by_role("link", name="digit-reader v4").first.click()
    page.check("input[name=verdict][value=request_changes]")
    page.fill("textarea[name=comment]", "Test it on the whole hold-out.")
    page.fill("input[name=password]", "not the password")
    page.get_by_role("button", name="Sign and record").click()
    expect(page.locator("textarea[name=comment]")).to_have_value("Test it on the whole hold-out.")
    assert page.locator("input[name=password]").get_attribute("value") is None
    page.fill("input[name=password]", site.cast["validator"]["password"])
    page.get_by_role("button", name="Sign and record").click()
    expect(page.get_by_text("Signed: request changes.")).to_be_visible()
    expect(page.get_by_text("“Test it on the whole hold-out.”")).to_be_visible()


def test_a_version_is_submitted_without_scripts(furnished: dict[str, Any], plain: Callable[[str], Page], tmp_path: Path) -> None:
    page = plain("data_scientist")
    page.goto(f"/submit/?model={furnished['model']}")
    page.set_input_files("input[name=checkpoint]", furnished["files"] / "paper.safetensors")
    page.fill("input[name=note]", "The whole hold-out this time")
    page.fill("textarea[name=settings]", json.dumps({"input": [1, 8, 8], "channels": [16, 32], "classes": 10}))
    page.get_by_role("button", name="Submit for review").click()
    expect(page.get_by_text("is submitted: its checkpoint is being inspected.")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("digit-reader v5")
    page.get_by_role("link", name="Checks", exact=True).first.click()
    # the page looks again by itself until the worker is done, without scripts too
    expect(page.get_by_text("Accuracy, at least 95 %")).to_be_visible(timeout=WORK)
