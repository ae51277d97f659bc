"""One real report for all tests here; making it costs a third of a second, and nothing changes it."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from countersign.verify import Item, Trust, Verification, verify_report
from countersign.verify.report import _Examination
from countersign.verify.trust import parse_trust
from tests.countersign.verify.maker import make_keys, make_report


@pytest.fixture(scope="session")
def report() -> bytes:
    """A sound report."""
    return make_report()


@pytest.fixture(scope="session")
def trust() -> Trust:
    """What a reader of that report trusts."""
    return parse_trust(make_keys().trust())


# Bounded: each of these tests stays below a second or two. The random choice differs from run to run on purpose.
bounded = settings(
    max_examples=80,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def failed(verification: Verification) -> list[str]:
    """The names of the failed items. No refusal may come from the net under the steps: each must say what is wrong."""
    assert not [item for item in verification.items if "cannot be read (" in item.detail], verification
    return [item.name for item in verification.items if item.status == "failed"]


def why(pdf: bytes, trust: Trust | None, item: str) -> str:
    """The detail of `item`, which is the only one that failed."""
    verification = verify_report(pdf, trust)
    assert failed(verification) == [item], verification
    return next(each.detail for each in verification.items if each.name == item)


def examine(files: dict[str, bytes], trust: Trust | None) -> dict[str, Item]:
    """What is said about attachments, without a PDF around them (which takes most of the time); the first items are left out."""
    examination = _Examination(b"", trust)
    examination.attachments = files
    verification = examination.verification()
    failed(verification)
    return {item.name: item for item in verification.items[4:]}
