"""The offline verifier of Countersign's reports. It shares no code with the server, needs no account and opens no network.

from countersign.verify import load_trust, verify_report
verification = verify_report(Path("report.pdf").read_bytes(), load_trust("trust.json"))
for item in verification.items: ...
"""

from countersign.verify.outcome import Item, Refused, Verification
from countersign.verify.report import verify_report
from countersign.verify.trust import Trust, load_trust

__all__ = ["Item", "Refused", "Trust", "Verification", "load_trust", "verify_report"]
