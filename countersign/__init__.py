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

__all__ = [
    "CannotSave",
    "CannotSplit",
    "Client",
    "NotSignedIn",
    "OtherKeys",
    "Refused",
    "Split",
    "Submitted",
    "Unreachable",
    "check",
    "cross_validate",
    "load_split",
    "split",
    "submit",
]
__version__ = "0.1.0"
