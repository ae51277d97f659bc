"""What is known of a version's code: what a client should send, what it sent last, and which outcomes are over exactly that."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from core import blobs
from core.canonical import sha256_of
from governance.diffs import FileDiff, read_diff
from governance.material import Material
from governance.models import CodeComment, CodeOutcome, CodeSet, Review
from models_registry.models import Version

FORMAT = "countersign-code/1"


def latest_code(version: Version) -> CodeSet | None:
    return CodeSet.objects.filter(version=version).select_related("base_version__model", "sent_by").order_by("-pk").first()


def last_approved(version: Version) -> Version | None:
    """The version of the model, before this one, that was approved last."""
    reviews = Review.objects.filter(version__model=version.model_id, version__number__lt=version.number, outcome="approved")
    review = reviews.select_related("version__model", "version__training_run").order_by("-concluded_at").first()
    return review.version if review else None


def commit_of(version: Version) -> str:
    """The commit that the version was made with, as its training run or its code set claims; "" where neither does."""
    if version.training_run and version.training_run.code.get("commit"):
        return str(version.training_run.code["commit"])
    sent = latest_code(version)
    return sent.commit if sent else ""


def digest_of(
    *, commit: str, tree: str, base: str, diff: str, patch: str, commits: Iterable[str], commits_total: int, left_out: Any
) -> str:
    """What outcomes are about. Commits stand by their hashes, which already commit to author, date and subject, so that a
    person can be erased; lock files as committed stand in the tree, as installed in the training run."""
    return sha256_of(
        {
            "format": FORMAT,
            "commit": commit,
            "tree": tree,
            "base": base,
            "diff": diff,
            "patch": patch,
            "commits": list(commits),
            "commits_total": commits_total,
            "left_out": left_out,
        }
    )


def files_of(code_set: CodeSet, part: str) -> list[FileDiff]:
    """The files that differ, in the part of the commits or in that of what was not committed."""
    digest = code_set.diff_digest if part == CodeComment.Part.CHANGES else code_set.patch_digest
    return read_diff(blobs.read(digest).decode("utf-8", "replace")) if digest else []


def standing_outcomes(version: Version, digest: str) -> list[CodeOutcome]:
    """The last outcome of each person over exactly this code."""
    found: dict[UUID, CodeOutcome] = {}
    for one in _outcomes(version).filter(digest=digest).order_by("pk"):
        found[one.person] = one
    return list(found.values())


def _outcomes(version: Version) -> QuerySet[CodeOutcome]:
    return CodeOutcome.objects.filter(version=version)


def pinned_code(material: Material) -> dict[str, Any]:
    """The code as it is signed: what was sent to be read, and what each reader came to. What the training run claims of the
    code is signed with the run already and not named twice."""
    sent = latest_code(material.version)
    if sent is None:
        return {}
    outcomes = standing_outcomes(material.version, sent.digest)
    return {"set": sent.digest, "outcomes": sorted([one.verdict, str(one.person), str(one.pk)] for one in outcomes)}
