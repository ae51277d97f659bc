#!/usr/bin/env python
"""Runs Countersign's commands; `python manage.py help` lists them. What settings lack is one sentence and code 2."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as lacking:
        sys.stderr.write(f"{lacking}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
