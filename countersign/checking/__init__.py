"""What a policy would find missing, said on the client before anything is uploaded."""

from countersign.checking.checking import Found, Point, check

__all__ = ["Found", "Point", "check"]
