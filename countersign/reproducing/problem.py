"""What keeps a run from being reproduced."""

from __future__ import annotations


class CannotReproduce(Exception):
    """The run cannot be reproduced like this; the message says why and what to do."""


class TrainingFailed(CannotReproduce):
    """The code ran and ended with an error, or recorded nothing."""
