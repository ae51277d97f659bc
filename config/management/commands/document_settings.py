"""Writes docs/reference/settings.md from the code; a test demands that it is current."""

from config.reference import DocumentCommand, settings_reference


class Command(DocumentCommand):
    help = "Writes docs/reference/settings.md."
    file = "settings.md"
    made_by = staticmethod(settings_reference)
