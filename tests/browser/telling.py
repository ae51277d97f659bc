"""The example's story on the tests' site, and what it leaves there for the pages that are looked at afterwards."""

from __future__ import annotations

from typing import Any

from tests.browser.site import Site


def tell(site: Site, story: Any) -> None:
    """The example's story over this site, and what it made in `site.known`."""
    from examples.digits import story as steps  # noqa: PLC0415 - it brings torch

    site.known["begun"] = True
    for step in steps.STEPS[:-1]:
        step(story)
    site.known["report_of"] = story.cast["auditor"].client.make_report(story.ids["main"])["id"]
    story.cast["auditor"].client.fetch_report(site.known["report_of"], story.out / "report.pdf")
    note(site, story)


def note(site: Site, story: Any) -> None:
    """What the story made, found again from outside."""
    client = story.cast["auditor"].client
    versions = sorted(client.every(f"models/{story.ids['model']}/versions/"), key=lambda one: one["number"])
    named = dict(zip(("early", "hostile", "main", "paper"), (one["id"] for one in versions), strict=False))
    reviews = {one["version"]: one["id"] for one in client.every("reviews/")}
    entries = client.get("log/entries/")["results"]
    site.known |= named | {
        "model": story.ids["model"],
        "main_review": reviews[named["main"]],
        "paper_review": reviews[named["paper"]],
        "dataset": story.ids["dataset digits-train"],
        "run": client.get("runs/")["results"][0]["id"],
        "entry": entries[0]["index"],
        "report": client.get("reports/")["results"][0]["id"],
        "train": story.ids["train v1"],
        "test": story.ids["test v1"],
        "files": story.out / "files",
        "complete": True,
    }
