"""Two people have the same review open at once: what each of them sees, signs and is refused, in real windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from examples.digits import cards
from tests.browser.furnishing import Furnisher
from tests.browser.site import Site

pytestmark = [pytest.mark.browser, pytest.mark.worker]
SECOND = {"validator": "Viktor Second", "compliance_officer": "Olga Second"}


@dataclass
class Table:
    """The review that everybody sits around, with the clients of those who change something meanwhile."""

    site: Site
    people: Any
    furnisher: Furnisher
    version: str
    review: str
    ids: dict[str, str]

    def open(self, who: str) -> Page:
        """The review in a window of its own, the form filled in except for the button."""
        page: Page = self.people.window(who)
        page.goto(f"/reviews/{self.review}/")
        self.fill(page, who)
        return page

    def fill(self, page: Page, who: str) -> None:
        page.check("input[name=verdict][value=approve]")
        page.fill("textarea[name=comment]", f"Read by {who}.")
        if page.locator("input[name=accept]").count():  # once, before the first signature
            page.check("input[name=accept]")
        page.fill("input[name=password]", self.site.cast[who]["password"])

    def signed(self) -> list[str]:
        """The role of every signature on the review, whether it counts or has become stale."""
        steps = self.furnisher.client("auditor").approval(self.version)["steps"]
        return [one["role"] for step in steps for one in (*step["counted"], *step["stale"])]


def click(page: Page) -> None:
    page.get_by_role("button", name="Sign and record").click()


def choose_a_password(people: Any, who: str) -> None:
    """A password that somebody else made signs nothing, so its owner makes one of their own."""
    page, chosen = people.window(who), f"only {who} knows this"
    page.goto("/accounts/password/change/")
    page.fill("input[name=oldpassword]", people.site.cast[who]["password"])
    for name in ("password1", "password2"):
        page.fill(f"input[name={name}]", chosen)
    page.locator("main form button[type=submit]").first.click()
    expect(page.locator("input[name=oldpassword]")).to_have_value("")
    people.site.cast[who]["password"] = chosen
    people.forget(who)


@pytest.fixture(scope="module")
def table(site: Site, signed_in: Any, furnished: dict[str, Any], story_of: Callable[[], Any]) -> Iterator[Table]:
    """A version in review, and a second person for each role that signs it."""
    furnisher = Furnisher(site, story_of())
    admin, ids = furnisher.client("administrator"), {}
    for role, name in SECOND.items():
        login = {"email": f"second-{role.replace('_', '-')}@demo.example", "password": f"the second {role} signs"}
        ids[role] = made = admin.post("people/", {"name": name, **login})["id"]
        for held in (role, "auditor"):  # who loses the role to sign still sees the review
            admin.post(f"people/{made}/roles/", {"role": held, "team": site.team})
        site.cast[f"second_{role}"] = {"name": name, **login, "key": ""}
        choose_a_password(signed_in, f"second_{role}")
    version = furnisher.hand_in("main", letter="7", note="Signed by people in a hurry")
    furnisher.client("data_scientist").wait(version)
    review = furnisher.client("auditor").approval(version)["review"]
    yield Table(site, signed_in, furnisher, version, review, ids)


def test_two_people_sign_the_same_review_at_once(table: Table, people: Any) -> None:
    first, second = table.open("validator"), table.open("second_validator")

    # the card changes under both of them: what was shown is not what stands, so nothing is signed
    table.furnisher.client("data_scientist").revise_card(table.version, cards.REVISED)
    click(first)
    expect(first.locator("#decision-panel").get_by_role("alert")).to_contain_text(
        "The version changed while you were reading it. Read it again, then sign what stands now."
    )
    assert table.signed() == []
    first.get_by_role("link", name="Show the review as it stands now").click()
    expect(first.get_by_text("Sevens with a bar were not sampled separately").first).to_be_visible()

    # a double click is one signature
    table.fill(first, "validator")
    first.get_by_role("button", name="Sign and record").dblclick()
    expect(first.get_by_text("Signed: approve.")).to_be_visible()
    assert table.signed() == ["validator"]

    # whoever reads the page of before signs nothing any more, and is told why
    second.reload()
    expect(second.locator("#decision-panel")).to_contain_text("Enough people have already signed for this role.")
    assert second.locator("input[name=password]").count() == 0


def test_the_second_of_two_at_the_same_step_is_told_that_it_is_done(table: Table, people: Any) -> None:
    first, second = table.open("compliance_officer"), table.open("second_compliance_officer")

    # a role that is taken away while the page is open signs nothing
    admin, member = table.furnisher.client("administrator"), table.ids["compliance_officer"]
    given = {"role": "compliance_officer", "team": table.site.team}
    admin.call("DELETE", f"people/{member}/roles/?role=compliance_officer&team={table.site.team}")
    click(second)
    expect(second.locator("#decision-panel").get_by_role("alert")).to_contain_text("You do not hold the role")
    assert table.signed() == ["validator"]

    # both click at once: one signature concludes the review, the other is refused in words
    admin.post(f"people/{member}/roles/", given)
    second = table.open("second_compliance_officer")
    for page in (first, second):
        page.evaluate("document.querySelector('#decision-panel form button[type=submit]').click()")
    done = "Signed: approve."
    for page in (first, second):
        expect(page.get_by_text(done).or_(page.locator("#decision-panel").get_by_role("alert")).first).to_be_visible()
    told = sorted(page.get_by_text(done).count() for page in (first, second))
    assert told == [0, 1]
    late = first if first.get_by_text(done).count() == 0 else second
    expect(late.locator("#decision-panel").get_by_role("alert")).to_contain_text("This review is concluded.")
    assert late.locator("input[name=password]").count() == 0
    assert table.signed() == ["validator", "compliance_officer"]
    late.get_by_role("link", name="Show the review as it stands now").click()
    expect(late.get_by_text("The approval holds.")).to_be_visible()
