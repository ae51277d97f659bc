"""What a report says: read in one moment of the database, written as one JSON value that the verifier can hold to the log."""

from audit.composing.content import Composition, compose

__all__ = ["Composition", "compose"]
