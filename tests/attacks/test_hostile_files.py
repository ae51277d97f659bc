"""What a hostile file leaves behind can be looked at, and is told for what it is."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
import torch

from governance import services
from governance.reviewing import PROGRAMS
from models_registry.inspection.formats import Format
from models_registry.inspection.gate import inspect_file
from sandbox.results import read_json
from tests.plugins_versions import REFUSED

pytestmark = pytest.mark.django_db

# As the static gate describes a file that it refuses: what only loading tells is not there.
SEEN_FROM_OUTSIDE = {
    "name": '"><img src=x onerror=alert(1)>%s{{7*7}}\u202e',
    "bytes": 24,
    "dtype": "float32",
    "shape": [2, 3],
    "parameters": 6,
}


def test_the_evidence_of_a_refused_file_can_be_read(
    make_draft: Any, inspect: Any, scientist: Any, validator: Any, client_of: Any
) -> None:
    version = make_draft()
    services.submit(version, by=scientist)
    inspect(version, REFUSED | {"facts": {"size": 67099, "globals": ["os.system"], "tensors": [SEEN_FROM_OUTSIDE]}})
    for page in ("", "evidence/", "history/"):
        answer = client_of(validator).get(f"/versions/{version.pk}/{page}")
        assert answer.status_code == 200, page
        assert "<img src=x" not in answer.content.decode(), page


def test_what_the_policy_calls_programs_is_what_the_inspection_calls_so() -> None:
    """Under another name an exported program would be measured at the level that is enough for weights."""
    assert {str(Format.TORCH_EXPORT), str(Format.TORCHSCRIPT)} == PROGRAMS


def test_no_name_in_a_file_keeps_its_verdict_from_being_recorded(
    tmp_path: Path, make_draft: Any, inspect: Any, scientist: Any
) -> None:
    """PostgreSQL keeps no zero character and RFC 8785 no half of a surrogate pair: such files were never recorded at all."""
    reason = {"code": "global", "sentence": "It names os\x00.system.", "found": "\ud800"}
    found = REFUSED | {"reasons": [reason], "facts": {"a\x00": ["\udfff"]}}
    answer = tmp_path / "result.json"
    answer.write_text(json.dumps(found))
    version = make_draft()
    services.submit(version, by=scientist)
    version = inspect(version, read_json(answer, limit=1 << 20))
    assert version.state == "rejected"
    assert version.inspection.reasons[0]["sentence"] == "It names os\N{REPLACEMENT CHARACTER}.system."


@pytest.mark.parametrize("name", ["", "a\\u0000b", "\\ud800", "n" * 513, "n" * 2_000_000])
def test_a_safetensors_file_with_a_name_that_nobody_can_keep_is_refused(name: str, tmp_path: Path) -> None:
    header = b'{"' + name.encode() + b'":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    file = tmp_path / "model.safetensors"
    file.write_bytes(struct.pack("<Q", len(header)) + header + b"\0" * 4)
    report = inspect_file(file)
    assert [reason.code for reason in report.reasons] == ["safetensors_header"]
    assert "1 to 512" in report.reasons[0].sentence


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "n" * 513])
def test_a_torch_file_with_a_name_that_nobody_can_keep_is_refused(name: str, tmp_path: Path) -> None:
    file = tmp_path / "model.pt"
    torch.save({name: torch.zeros(2)}, file)
    assert inspect_file(file).verdict == "refused"
