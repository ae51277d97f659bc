"""The page that people write thresholds from names only what is measured, and all of it."""

from __future__ import annotations

import re
from pathlib import Path

from evaluations.names import NAMES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "performance-checks.md"
CHECKS = {"performance", "prediction_distribution", "resources"}


def test_every_name_on_the_page_is_one_that_people_see() -> None:
    named = set(re.findall(r"`([a-z][a-z0-9_]+)`", PAGE.read_text(encoding="utf-8"))) - CHECKS - {"confidence"}
    assert len(named) > 40
    assert named - set(NAMES) == set()
