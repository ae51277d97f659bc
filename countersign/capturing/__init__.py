"""What the machine knows already, so that nobody types it: code, environment, hardware and seeds of a training.

Nothing here fails, waits long or runs a program of the repository's: what cannot be found out is left out, with a sentence in
`notes`. Everything is a claim of this machine (docs/reference/captured-facts.md).
"""

from countersign.capturing.captured import Captured, capture, code_facts, environment_facts
from countersign.capturing.files import KeptFile

__all__ = ["Captured", "KeptFile", "capture", "code_facts", "environment_facts"]
