"""`countersign reproduce`: a recorded training, run again from its commit in a folder of its own, and held against the record.

The code of that commit runs as the person who asks, on their machine; nothing before that runs anything of it.
"""

from countersign.reproducing.problem import CannotReproduce, TrainingFailed

__all__ = ["CannotReproduce", "TrainingFailed"]
