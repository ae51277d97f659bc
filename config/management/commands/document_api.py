"""Writes docs/reference/api.md from the code; a test demands that it is current."""

from config.reference import DocumentCommand, api_reference


class Command(DocumentCommand):
    help = "Writes docs/reference/api.md."
    file = "api.md"
    made_by = staticmethod(api_reference)
