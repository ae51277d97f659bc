"""Starts `config.setup`. Written so that an old Python can still read this file and say that it is too old."""

import sys
import types

ROOT = __file__.rsplit("/config/", 1)[0] if "/config/" in __file__ else "."


def main():  # type: ignore[no-untyped-def]  # Python 2 reads this file too
    if sys.version_info < (3, 11):  # noqa: UP036 - the project's own floor is what is being checked
        sys.stderr.write(
            "Countersign needs Python 3.11 or newer, and this is Python %d.%d. "  # noqa: UP031 - old Pythons know no f-strings
            "Install a newer one (Debian, Ubuntu: apt-get install python3 python3-venv) "
            "or name it: make setup PYTHON=/path/to/python3.11\n" % sys.version_info[:2]
        )
        return 2
    # config/__init__.py imports Celery, which the environment is only about to get: an empty package stands in for it.
    package = types.ModuleType("config")
    package.__path__ = [ROOT + "/config"]
    sys.modules["config"] = package
    from config.setup.bootstrap import bootstrap  # noqa: PLC0415 - only now can its syntax be read

    return bootstrap(ROOT, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())  # type: ignore[no-untyped-call]  # an old Python reads it first: no annotations
