"""`countersign findings import`: what each row would do, and then does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from governance.models import Finding

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_file_of_findings_is_told_and_then_imported(
    make_approved: Any, officer: Any, signed_in: Any, command: Any, machine: Path
) -> None:
    version = make_approved()
    signed_in(officer)
    file = machine / "findings.csv"
    file.write_text(f"title,severity,due_on,model\nSevens,high,2027-02-01,{version.model.name}\n")
    said = command("findings", "import", str(file), "--dry-run")
    assert (said.code, "row 2  new  Sevens" in said.out, Finding.objects.exists()) == (0, True, False)
    said = command("findings", "import", str(file))
    assert (said.code, "Imported: 1 new" in said.out, Finding.objects.count()) == (0, True, 1)
    file.write_text("title,severity\nAbout nothing,high\n")
    said = command("findings", "import", str(file))
    assert (said.code, "Nothing was imported" in said.out, Finding.objects.count()) == (1, True, 1)
