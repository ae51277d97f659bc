"""What is refused on a page that scripts draw anew in part is seen by the person who looks at it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

pytestmark = pytest.mark.django_db
NOWHERE = f"/reviews/{UUID(int=0)}/"


def test_a_part_that_may_not_be_seen_any_more_opens_the_page_again(client_of: Callable[..., Any], auditor: Any) -> None:
    """A whole page does not fit into a part of one, and htmx shows nothing at all of a 404."""
    client = client_of(auditor)
    assert "HX-Refresh" not in client.get(NOWHERE)
    answer = client.get(NOWHERE, HTTP_HX_REQUEST="true")
    assert (answer.status_code, answer["HX-Refresh"]) == (404, "true")
    assert client.post(f"{NOWHERE}sign-off/", HTTP_HX_REQUEST="true")["HX-Refresh"] == "true"
