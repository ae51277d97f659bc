"""What a flushed database lacks."""

from __future__ import annotations

import pytest


@pytest.fixture
def policies(transactional_db: None) -> None:
    """A flushed database has neither environments nor policies."""
    from governance import environments, policies  # noqa: PLC0415 - models are ready only now

    environments.install()
    policies.install()
