"""The web process is asked what it has loaded: import contracts do not see what settings and addresses name as text."""

from __future__ import annotations

import os
import subprocess
import sys

from django.conf import settings

PROGRAM = """
import sys
from config.wsgi import application
from django.urls import URLResolver, get_resolver

def visit(resolver):
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            visit(pattern)
        else:
            pattern.callback

visit(get_resolver())
assert application and "governance.views.reviews" in sys.modules
print(*sorted({"torch", "pyarrow", "weasyprint", "vl_convert"} & set(sys.modules)))
"""


def test_the_web_process_loads_no_torch() -> None:
    """Nor what draws, prints and reads tables, which is for workers and their children."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=False,
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": settings.DATABASE_URL, "DJANGO_SETTINGS_MODULE": "config.settings"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
