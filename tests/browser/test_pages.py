"""Every page as its people see it: without barriers, in both themes, wide and on a phone, with and without scripts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looking import look_at
from tests.browser.site import WORK, Site
from tests.browser.telling import tell

pytestmark = [pytest.mark.browser, pytest.mark.worker]


@dataclass(frozen=True)
class Looked:
    """A page, who opens it, and how it answers. `path` names what the story made: "{main}" is the version of the story."""

    path: str
    role: str | None
    status: int = 200


PAGES = {
    "sign-in": Looked("/accounts/login/", None),
    "verify": Looked("/verify/", None),
    "styleguide": Looked("/styleguide/", None),
    "api-docs": Looked("/api/v1/docs/", None),
    "inbox-of-a-scientist": Looked("/", "data_scientist"),
    "inbox-of-a-validator": Looked("/", "validator"),
    "inbox-of-a-risk-manager": Looked("/", "risk_manager"),
    "inbox-of-an-auditor": Looked("/", "auditor"),
    "inbox-of-an-administrator": Looked("/", "administrator"),
    "settings-keys": Looked("/settings/keys/", "data_scientist"),
    "settings-people": Looked("/settings/people/", "administrator"),
    "settings-teams": Looked("/settings/teams/", "administrator"),
    "search": Looked("/search/?q=digit", "compliance_officer"),
    "search-none": Looked("/search/?q=nothing-of-this-name", "compliance_officer"),
    "models": Looked("/models/", "compliance_officer"),
    "models-none-fits": Looked("/models/?q=nothing-of-this-name", "compliance_officer"),
    "models-none": Looked("/models/", "administrator"),
    "model-of-a-risk-manager": Looked("/models/{model}/", "risk_manager"),
    "model-of-a-scientist": Looked("/models/{model}/", "data_scientist"),
    "version-suspended": Looked("/versions/{main}/", "risk_manager"),
    "version-blocked": Looked("/versions/{paper}/", "data_scientist"),
    "version-rejected": Looked("/versions/{hostile}/", "compliance_officer"),
    "version-approved": Looked("/versions/{early}/", "auditor"),
    "checks": Looked("/versions/{main}/checks/", "validator"),
    "checks-none": Looked("/versions/{hostile}/checks/", "validator"),
    "cross-validation-none": Looked("/versions/{paper}/cross-validation/", "validator"),
    "evidence": Looked("/versions/{main}/evidence/", "validator"),
    "evidence-refused": Looked("/versions/{hostile}/evidence/", "validator"),
    "history": Looked("/versions/{main}/history/", "auditor"),
    "monitoring": Looked("/versions/{main}/monitoring/", "risk_manager"),
    "monitoring-none": Looked("/versions/{paper}/monitoring/", "risk_manager"),
    "review-to-decide": Looked("/reviews/{paper_review}/", "validator"),
    "review-of-own-work": Looked("/reviews/{paper_review}/", "data_scientist"),
    "review-concluded": Looked("/reviews/{main_review}/", "compliance_officer"),
    "code": Looked("/versions/{paper}/code/", "validator"),
    "policies": Looked("/policies/", "compliance_officer"),
    "findings": Looked("/findings/", "compliance_officer"),
    "findings-none-fits": Looked("/findings/?severity=low&state=closed", "validator"),
    "exceptions": Looked("/exceptions/", "risk_manager"),
    "submit": Looked("/submit/", "data_scientist"),
    "submit-again": Looked("/submit/?model={model}", "data_scientist"),
    "submit-not-allowed": Looked("/submit/", "compliance_officer", 403),
    "card": Looked("/versions/{paper}/card/", "data_scientist"),
    "datasets": Looked("/datasets/", "data_scientist"),
    "dataset": Looked("/datasets/{dataset}/", "data_protection_officer"),
    "dataset-version": Looked("/datasets/{dataset}/versions/2/", "data_protection_officer"),
    "runs": Looked("/runs/", "data_scientist"),
    "runs-misread": Looked("/runs/?filter=metrics.accuracy+%3E+0.9+nad+name+%3D+3", "data_scientist", 422),
    "runs-none-fits": Looked("/runs/?filter=metrics.acuracy+%3E+2", "data_scientist"),
    "compare-without-runs": Looked("/runs/compare/", "validator"),
    "run": Looked("/runs/{run}/", "validator"),
    "trail": Looked("/trail/", "auditor"),
    "entry": Looked("/trail/{entry}/", "auditor"),
    "reports": Looked("/reports/", "auditor"),
    "report": Looked("/reports/{report}/", "auditor"),
    "password": Looked("/accounts/password/change/", "validator"),
    "second-factor": Looked("/accounts/2fa/", "validator"),
}


@pytest.fixture(scope="package")
def furnished(site: Site, story_of: Callable[[], Any]) -> dict[str, Any]:
    """The ids of what the story made: told by its own test before, or told now, through the REST API alone."""
    if "complete" not in site.known:
        if site.known:
            pytest.fail("The story did not come to its end, so there is nothing to look at.")
        tell(site, story_of())
    return site.known


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
