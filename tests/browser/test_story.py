"""The main job, end to end, as its people do it: in their browsers, with a real worker and a real clock behind the site."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.site import WORK, Site
from tests.browser.telling import note

pytestmark = [pytest.mark.browser, pytest.mark.story, pytest.mark.worker]


class Scene:
    """The story's people with their windows, and what they pass on to one another."""

    def __init__(self, site: Site, people: Any, story: Any) -> None:
        self.site, self.people, self.story = site, people, story
        self.windows: dict[str, Page] = {}
        self.versions: dict[str, str] = {}

    def window(self, role: str) -> Page:
        if role not in self.windows:
            self.windows[role] = self.people.window(role)
        return self.windows[role]

    def open(self, role: str, path: str) -> Page:
        page = self.window(role)
        page.goto(path)
        return page

    def follow(self, role: str, path: str, found: Callable[[Page], Locator]) -> Page:
        """Open the page again and again, as a person does who waits, until it shows what is looked for."""
        page = self.open(role, path)
        expect(page.locator("main")).to_be_visible()
        for _ in range(WORK // 1000):
            if found(page).count():
                return page
            page.wait_for_timeout(1000)
            page.reload()
        raise AssertionError(f"{path} never showed it; the worker said: {self.site.log('worker')}")

    def api(self, role: str) -> Any:
        return self.story.cast[role].client


# -- 1 and 2: the data scientist hands in; the worker inspects and measures --------------------------------------------------


def submit_on_the_page(scene: Scene, file: Path, *, note: str) -> str:
    """The Submit page, filled in from the version before, with another file and the second labelling; the version's id."""
    page = scene.open("data_scientist", f"/submit/?model={scene.story.ids['model']}")
    expect(page.get_by_text("are filled in from digit-reader")).to_be_visible()
    page.set_input_files("input[name=checkpoint]", file)
    page.select_option("select[name=run]", index=1)
    page.fill("input[name=note]", note)
    for group, data in (("Trained on", "digits-train"), ("Test it on", "digits-hold-out")):
        choices = page.get_by_role("group", name=group)
        for box in choices.get_by_role("checkbox").all():
            box.uncheck()
        choices.get_by_label(re.compile(rf"^{data} v2 ")).check()
    page.get_by_role("button", name="Submit for review").click()
    expect(page.get_by_text("is submitted: its checkpoint is being inspected.")).to_be_visible()
    return page.url.rstrip("/").rsplit("/", 1)[-1]


def hands_in_a_version(scene: Scene, folder: Path) -> None:
    from safetensors.torch import save_file  # noqa: PLC0415 - only this test needs torch

    file = folder / "main.safetensors"
    weights = scene.story.models["main"].model.state_dict()
    save_file({name: tensor.contiguous() for name, tensor in weights.items()}, file)
    scene.versions["main"] = scene.story.ids["main"] = submit_on_the_page(
        scene, file, note="Trained longer, on the second labelling"
    )


def the_worker_inspects_and_measures(scene: Scene) -> None:
    main = scene.versions["main"]
    page = scene.open("data_scientist", f"/versions/{main}/checks/")
    # the page looks again by itself until the worker is done
    expect(page.get_by_text("Recall of every class, at least 80 %")).to_be_visible(timeout=WORK)
    expect(page.locator(".check", has_text="Accuracy, at least 95 %").locator(".badge")).to_have_text("Passed")
    expect(page.get_by_text("fixed before the run by policy high-risk 1")).to_be_visible()
    for chart in (
        "True and predicted classes",
        "Recall of each class",
        "Precision of each class",
        "Distribution of the predictions",
    ):
        figure = page.locator("figure.chart").filter(has=page.locator("figcaption", has_text=chart))
        expect(figure.locator("img")).to_have_count(1)
    expect(page.get_by_role("row", name=re.compile("^Matthews correlation"))).to_contain_text("600 rows")
    page = scene.open("data_scientist", f"/versions/{main}/evidence/")
    expect(page.get_by_text(re.compile(r"Level L[23]: "))).to_be_visible()
    expect(page.get_by_text("network blocked · keys unreadable · new processes blocked")).to_be_visible()
    expect(page.get_by_text("Column “email” of annotators v1 (contact), which labelled digits-")).to_be_visible()


# -- 3: the hostile twin -----------------------------------------------------------------------------------------------------


def a_hostile_twin_is_refused(scene: Scene, folder: Path) -> None:
    from examples.digits import training  # noqa: PLC0415 - it brings torch

    marker = folder / "the-command-ran"
    file = training.hostile_twin(scene.story.models["main"].model, folder / "hostile.pt", marker=marker)
    hostile = scene.versions["hostile"] = submit_on_the_page(scene, file, note="From a download")
    page = scene.follow(
        "data_scientist", f"/versions/{hostile}/evidence/", lambda shown: shown.get_by_text("What the inspection found")
    )
    expect(page.get_by_text("The pickle names posix.system: loading it would run code that its author chose.")).to_be_visible()
    expect(page.locator(".page-header .badge").first).to_have_text("Rejected")
    assert not marker.exists()


# -- 4: the signatures -------------------------------------------------------------------------------------------------------


def the_submitter_may_not_sign(scene: Scene) -> None:
    main = scene.versions["main"]
    page = scene.open("data_scientist", f"/versions/{main}/")
    page.get_by_role("link", name="See the review").click()
    expect(page.get_by_text("You submitted this version, so someone else must sign it off.")).to_be_visible()
    assert page.locator("input[name=password]").count() == 0
    scene.story.ids["review"] = page.url.rstrip("/").rsplit("/", 1)[-1]
    own = scene.story.cast["data_scientist"]
    from examples.digits.story import refusal_of  # noqa: PLC0415 - it brings torch

    refused = refusal_of(
        lambda: own.client.sign_off(
            scene.story.ids["review"], role="validator", verdict="approve", password=own.password, seen="sha256:" + "0" * 64
        )
    )
    assert (refused.status, refused.code) == (403, "own_submission")
    page = scene.open("data_scientist", f"/versions/{main}/history/")
    expect(page.get_by_text("Refused: You submitted this version, so someone else must sign it off.")).to_be_visible()


def sign(scene: Scene, role: str, *, comment: str, outcome: str = "Signed: approve.") -> Page:
    """From the inbox to the signature, as the person does it."""
    page = scene.open(role, "/")
    page.get_by_role("link", name="digit-reader v3").first.click()
    page.check("input[name=verdict][value=approve]")
    page.fill("textarea[name=comment]", comment)
    if page.locator("input[name=accept]").count():  # once, before the first signature
        page.check("input[name=accept]")
    page.fill("input[name=password]", scene.site.cast[role]["password"])
    page.get_by_role("button", name="Sign and record").click()
    expect(page.get_by_text(outcome)).to_be_visible()
    return page


def reviewers_sign(scene: Scene) -> None:
    review = f"/reviews/{scene.story.ids['review']}/"
    page = scene.open("validator", review)
    page.check("input[name=verdict][value=approve]")
    page.fill("input[name=password]", "not my password")
    page.get_by_role("button", name="Sign and record").click()
    expect(page.locator("#decision-panel").get_by_role("alert")).to_be_visible()
    expect(page.locator("input[name=verdict][value=approve]")).to_be_checked()
    sign(scene, "validator", comment="The hold-out is disjoint from the training data.")
    the_card_changes(scene)
    page = scene.open("validator", review)
    stale = page.locator(".check", has_text="so it no longer counts")
    expect(stale.locator(".badge").first).to_have_text("Stale")
    expect(stale).to_contain_text("The model card changed after this was signed")
    stale.get_by_text("What changed since").click()
    expect(stale.locator("ins mark").first).to_be_visible()
    expect(page.get_by_text("compared with digit-reader v1")).to_be_visible()
    expect(page.locator(".changes > li", has_text="Data: trained on")).to_contain_text("digits-train v1")
    for role in ("validator", "data_protection_officer", "compliance_officer"):
        page = sign(scene, role, comment="Read what changed in the card.")
    expect(page.get_by_text("The approval holds.")).to_be_visible()
    expect(page.locator(".page-header .badge").first).to_have_text("Concluded")


def the_card_changes(scene: Scene) -> None:
    page = scene.open("data_scientist", f"/versions/{scene.versions['main']}/")
    page.get_by_role("link", name="Revise the card").click()
    limits = page.locator("textarea[name=limitations]")
    limits.fill(limits.input_value() + " Sevens with a bar were not sampled separately.")
    page.get_by_role("button", name="Write this revision").click()
    expect(page.get_by_text("Signatures over the earlier one are stale.")).to_be_visible()


# -- 5: release, gate, and what only looks better ----------------------------------------------------------------------------


def gate(scene: Scene, version: str) -> bool:
    found = scene.api("risk_manager").get(f"versions/{version}/")
    return bool(scene.api("risk_manager").gate(found["checkpoint_digest"])["allowed"])


def the_risk_manager_releases(scene: Scene) -> None:
    main = scene.versions["main"]
    page = scene.open("risk_manager", f"/versions/{main}/")
    page.get_by_role("button", name="Release this version").click()
    expect(page.get_by_text("Released.", exact=True)).to_be_visible()
    expect(page.locator(".readiness > li", has_text="Release")).to_contain_text("Live")
    assert gate(scene, main) and not gate(scene, scene.versions["hostile"])


def what_looks_better_on_paper_stays_blocked(scene: Scene) -> None:
    from examples.digits import story as steps  # noqa: PLC0415 - it brings torch

    steps.paper_version(scene.story)
    rows = scene.api("auditor").every(f"models/{scene.story.ids['model']}/versions/")
    paper = scene.versions["paper"] = max(rows, key=lambda one: one["number"])["id"]
    page = scene.open("validator", f"/versions/{paper}/")
    expect(page.get_by_text("Approval is blocked.")).to_be_visible()
    page.get_by_role("link", name="Review and sign").click()
    expect(page.locator("input[name=verdict][value=approve]")).to_be_disabled()
    expect(page.get_by_text("about 49 rows at the same rate would settle it").first).to_be_visible()
    assert page.locator(".check", has_text="Accuracy, at least 95 %").locator(".badge").inner_text() == "Inconclusive"
    assert not gate(scene, paper)


# -- 6: production -----------------------------------------------------------------------------------------------------------


def production_degrades(scene: Scene) -> None:
    from examples.digits import data, training  # noqa: PLC0415 - they bring torch

    main, client = scene.versions["main"], scene.api("data_scientist")
    model, images = scene.story.models["main"].model, scene.story.digits.test_images
    client.observe(main, training.probabilities(model, images))
    watched = f"/versions/{main}/monitoring/"
    page = scene.follow("risk_manager", watched, lambda shown: shown.get_by_text("Class by class, at the latest check"))
    expect(page.locator(".checks .badge").first).to_have_text("Passed")
    client.observe(main, training.probabilities(model, data.rotated_and_darkened(images)))
    page = scene.follow("risk_manager", watched, lambda shown: shown.get_by_text("Alert: distribution of the predictions"))
    expect(page.locator(".page-header .badge").first).to_have_text("Suspended")
    page = scene.follow("risk_manager", watched, lambda shown: shown.locator(".chart img"))
    assert page.locator(".chart img").evaluate("one => one.complete && one.naturalWidth > 0")
    page = scene.open("risk_manager", "/")
    expect(page.get_by_text("Alerts that you answer for")).to_be_visible()
    assert not gate(scene, main)


def the_risk_manager_rolls_back(scene: Scene) -> None:
    page = scene.open("risk_manager", f"/versions/{scene.versions['main']}/")
    page.get_by_role("link", name="Roll back").click()
    page.fill("input[name=reason]", "The camera hangs askew since this morning.")
    page.get_by_role("button", name="Roll back").click()
    expect(page.get_by_text("Rolled back.", exact=True)).to_be_visible()
    expect(page.locator(".banner.ok", has_text="Live in production:")).to_contain_text("digit-reader v1")
    assert gate(scene, scene.story.ids["early"]) and not gate(scene, scene.versions["main"])


# -- 7 and 8: the report, and what is left of it without this site ------------------------------------------------------------


def the_auditor_takes_a_report_away(scene: Scene, folder: Path) -> Path:
    page = scene.open("auditor", f"/versions/{scene.versions['main']}/")
    page.get_by_role("button", name="Make report").click()
    button = page.get_by_role("link", name="Download PDF")
    expect(button).to_be_visible(timeout=WORK)
    with page.expect_download() as coming:
        button.click()
    target = folder / "report.pdf"
    coming.value.save_as(target)
    assert target.read_bytes().startswith(b"%PDF-1.7")
    return target


def verify(file: Path, trust: Path | None) -> tuple[int, dict[str, Any]]:
    """The program that a stranger runs: its exit code, and what it says."""
    command = [sys.executable, "-m", "countersign.verify", str(file), "--json", *(["--trust", str(trust)] if trust else [])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, json.loads(done.stdout)


def a_stranger_verifies_it(scene: Scene, report: Path, folder: Path) -> None:
    trust = folder / "trust.json"
    trust.write_text(json.dumps(scene.api("auditor").trust()))
    code, said = verify(report, trust)
    assert code == 0 and {item["status"] for item in said["items"]} == {"verified"}
    assert verify(report, None)[0] == 2
    spoilt = folder / "spoilt.pdf"
    content = bytearray(report.read_bytes())
    content[len(content) // 2] ^= 1
    spoilt.write_bytes(content)
    assert verify(spoilt, trust)[0] == 1
    page = scene.people.window(None)
    page.goto("/verify/")
    page.set_input_files("input[type=file]", report)
    page.get_by_role("button", name="Verify", exact=True).click()
    expect(page.get_by_text("Every item holds.")).to_be_visible(timeout=60_000)
    assert page.locator(".checks > li .badge", has_text="Verified").count() == len(said["items"])
    page.goto("/verify/")
    page.set_input_files("input[type=file]", spoilt)
    page.get_by_role("button", name="Verify", exact=True).click()
    expect(page.get_by_text("Do not rely on this file.")).to_be_visible(timeout=60_000)


def test_the_story(site: Site, people: Any, story_of: Callable[[], Any], tmp_path: Path) -> None:
    from examples.digits import story as steps  # noqa: PLC0415 - it brings torch

    site.known["begun"] = True
    scene = Scene(site, people, story_of())
    for prepare in (steps.register_data, steps.train_models, steps.early_version):
        prepare(scene.story)
    a_hostile_twin_is_refused(scene, scene.story.out / "files")
    hands_in_a_version(scene, scene.story.out / "files")
    the_worker_inspects_and_measures(scene)
    the_submitter_may_not_sign(scene)
    reviewers_sign(scene)
    the_risk_manager_releases(scene)
    what_looks_better_on_paper_stays_blocked(scene)
    production_degrades(scene)
    the_risk_manager_rolls_back(scene)
    report = the_auditor_takes_a_report_away(scene, tmp_path)
    a_stranger_verifies_it(scene, report, tmp_path)
    note(site, scene.story)
    # what a refused password answers is no mistake of the page
    assert [line for line in people.messages if "status of 403" not in line] == []
