"""From a report's content to pages: `rendering` fills the template, `child` runs WeasyPrint in a process of its own."""

from audit.printing.rendering import NotRendered, Rendered, render

__all__ = ["NotRendered", "Rendered", "render"]
