"""One site and one browser for the folder; people who are signed in; eyes that notice what a browser complains about."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.furnishing import furnish
from tests.browser.site import Site, chromium
from tests.browser.telling import tell

FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-quic", "--disable-extensions"),
]
SLOW = 20_000  # milliseconds that a page may take on a machine that is busy with other things
expect.set_options(timeout=SLOW)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The story first: the pages that are looked at afterwards are full of it."""
    mine = [item for item in items if "browser" in Path(str(item.fspath)).parts]
    ordered = sorted(mine, key=lambda item: "test_story" not in item.nodeid)
    places = [place for place, item in enumerate(items) if item in mine]
    for place, item in zip(places, ordered, strict=True):
        items[place] = item


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site of its own with its worker and its clock; ended after the last test of this folder."""
    made = Site(tmp_path_factory.mktemp("site"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="package")
def chrome() -> Iterator[Browser]:
    """Chromium. It ends with this folder, because Django's database cannot be used beside it in the same thread."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=FLAGS, env={**os.environ})
        yield started
        started.close()


class People:
    """Browser windows, each with its owner. `messages` is what any of them wrote to its console."""

    def __init__(self, site: Site, browser: Browser) -> None:
        self.site, self.browser = site, browser
        self.messages: list[str] = []
        self._states: dict[str, Any] = {}

    def window(self, role: str | None = None, **options: Any) -> Page:
        """A page of a new context. With a role it is signed in, through the sign-in page the first time."""
        options.setdefault("viewport", {"width": 1280, "height": 900})
        context = self._context(storage_state=self._states.get(role or ""), **options)
        page = context.new_page()
        if role is not None and role not in self._states:
            self.sign_in(page, role)
            self._states[role] = context.storage_state()
        return page

    def _context(self, **options: Any) -> BrowserContext:
        context = self.browser.new_context(base_url=self.site.url, **options)
        context.set_default_timeout(SLOW)
        context.on("console", self._note)
        context.on("weberror", lambda error: self.messages.append(f"error: {error.error}"))
        return context

    def _note(self, message: Any) -> None:
        if message.type in {"error", "warning"} or "Content Security Policy" in message.text:
            self.messages.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def sign_in(self, page: Page, role: str) -> None:
        person = self.site.cast[role]
        page.goto("/accounts/login/")
        page.fill("input[name=login]", person["email"])
        page.fill("input[name=password]", person["password"])
        page.click("main button[type=submit]")
        expect(page.get_by_role("heading", name="Inbox", level=1)).to_be_visible()

    def forget(self, role: str) -> None:
        """The next window of this person signs in anew, because their password has changed."""
        self._states.pop(role, None)

    def close(self) -> None:
        for context in list(self.browser.contexts):
            context.close()


@pytest.fixture(scope="package")
def signed_in(site: Site, chrome: Browser) -> People:
    """Who has signed in once keeps the session for the whole folder."""
    return People(site, chrome)


@pytest.fixture
def people(signed_in: People) -> Iterator[People]:
    """The same, with every window closed at the end and nothing written to the console so far."""
    signed_in.messages.clear()
    yield signed_in
    signed_in.close()


@pytest.fixture(scope="package")
def story_of(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Any]:
    """`story_of()`: the example's story over this site, its steps still to be played through the REST API."""
    import torch  # noqa: PLC0415 - nothing else here needs it

    from examples.digits.cast import read  # noqa: PLC0415 - it brings torch
    from examples.digits.story import Story  # noqa: PLC0415 - as above

    torch.set_num_threads(1)  # the worker needs the other core

    def begin() -> Any:
        return Story(read(site.folder / "cast.json"), tmp_path_factory.mktemp("story"))

    return begin


@pytest.fixture(scope="package")
def furnished(site: Site, story_of: Callable[[], Any]) -> dict[str, Any]:
    """The ids of what the story made: told by its own test before, or told now, through the REST API alone."""
    story = story_of()
    if "complete" not in site.known:
        if site.known:
            pytest.fail("The story did not come to its end, so there is nothing to look at.")
        tell(site, story)
    furnish(site, story)
    return site.known
