"""What clients call the use of data, and which use of a version that is."""

from __future__ import annotations

import re

from models_registry.models import VersionData

_WORDS = {
    **dict.fromkeys(("train", "training", "fit"), VersionData.Use.TRAINING),
    **dict.fromkeys(("val", "valid", "validation", "tune", "tuning", "dev"), VersionData.Use.VALIDATION),
    **dict.fromkeys(("stop", "stopping", "early stopping", "earlystopping"), VersionData.Use.STOPPING),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), VersionData.Use.TESTING),
}


def use_of(context: str) -> VersionData.Use | None:
    """The use that a client's word for it means; None where it is not known here."""
    return _WORDS.get(re.sub(r"[\s_-]+", " ", context.strip().lower()))
