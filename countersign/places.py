"""Where data stay that are not sent: a path in the site's folder, an object in S3, a file of a DVC remote."""

from __future__ import annotations

import re
from pathlib import Path

_LINE = re.compile(r"\s*(?:-\s+)?(md5|size|path|hash):\s*(.*?)\s*\Z")
_MD5 = re.compile(r"[0-9a-f]{32}\Z")


class NoPlace(Exception):
    """What was given names no place; the message says what to write."""


def place_of(text: str) -> dict[str, str]:
    """The place that `text` names: `s3://bucket/key`, a `.dvc` file on this machine, or else a path in the site's folder."""
    if text.startswith("s3://"):
        bucket, _slash, key = text.removeprefix("s3://").partition("/")
        if not bucket or not key:
            raise NoPlace(f"{text} names no object; write s3://bucket/key.")
        return {"kind": "s3", "bucket": bucket, "key": key}
    if text.endswith(".dvc"):
        return {"kind": "dvc", "md5": _md5_of(Path(text))}
    return {"kind": "folder", "path": text}


def _md5_of(file: Path) -> str:
    """The md5 of the one file that a .dvc file is about. DVC itself writes one entry a line, so no YAML is needed."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise NoPlace(f"{file} cannot be read as a .dvc file.") from error
    found = [match[2].strip("'\"") for line in lines if (match := _LINE.match(line)) and match[1] == "md5"]
    outs = lines.index("outs:") if "outs:" in lines else 0  # a file with dependencies names their md5 first
    after = [match[2].strip("'\"") for line in lines[outs:] if (match := _LINE.match(line)) and match[1] == "md5"]
    if not found or len(after) != 1:
        raise NoPlace(f"{file} is about {len(after)} files; give the .dvc file of one.")
    if after[0].endswith(".dir"):
        raise NoPlace(f"{file} is about a whole folder; give the .dvc file of one file.")
    if not _MD5.match(after[0]):
        raise NoPlace(f"{file} holds no md5 of a file.")
    return after[0]
