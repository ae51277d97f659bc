"""Countersign for those who use it: hand in models, ask the gate, fetch reports, and verify them without trusting anybody.

    import countersign
    countersign.submit(model, example_input=x, model_name="digit-reader", data={...}, card={...})

Neither Django nor torch is needed; `countersign.submit` with a live module needs the extra `countersign[torch]`.
"""

from countersign.checking import check
from countersign.client import Client, Refused, Unreachable
from countersign.cross_validating import cross_validate
from countersign.settings import NotSignedIn, OtherKeys
from countersign.splitting import CannotSplit, Split, load_split, split
from countersign.submitting import CannotSave, Submitted, submit
from countersign.tracking import Run, start_run

__all__ = [
    "CannotSave",
    "CannotSplit",
    "Client",
    "NotSignedIn",
    "OtherKeys",
    "Refused",
    "Run",
    "Split",
    "Submitted",
    "Unreachable",
    "check",
    "cross_validate",
    "load_split",
    "split",
    "start_run",
    "submit",
]
__version__ = "0.1.0"
