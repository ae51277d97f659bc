"""Django's flush meets the append-only triggers. Tests need it; nobody else gets it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.core.management.commands.flush import Command as Flush
from django.core.management.sql import emit_post_migrate_signal
from django.db import connections

from ledger import installation, protection


class Command(Flush):
    help = "Empties a test database; refused everywhere else, because the log is append-only."

    def handle(self, **options: Any) -> None:
        name = str(connections[options["database"]].settings_dict["NAME"])
        if not (getattr(settings, "TESTING", False) and name.startswith("test_")):
            raise CommandError("The log is append-only, so this database is not emptied. Make a new database instead.")
        inhibited = options.pop("inhibit_post_migrate", False)
        with protection.suspended():
            super().handle(**options, inhibit_post_migrate=True)
        installation.install()
        # Only now, with every trigger in force: what other contexts install after a migrate is recorded too.
        if not inhibited:
            emit_post_migrate_signal(options["verbosity"], options["interactive"], options["database"])
