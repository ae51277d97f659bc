"""Files that a run leaves behind: kept under their path, never opened."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.translation import gettext as _

from core import blobs
from core.errors import InvalidInput
from ledger.acts import act
from tracking import rules
from tracking.models import Artifact, TrainingRun
from tracking.permissions import can_record
from tracking.services.growing import open_run

if TYPE_CHECKING:
    from accounts.models import Person

MOST = 10_000  # files of one run


def keep_artifact(run: TrainingRun, *, by: Person, path: str, chunks: Iterable[bytes], expected: str | None = None) -> Artifact:
    """The run has these bytes under the path; what it had there before is no longer named.

    The stream is hashed on arrival (up to the site's upload limit) and refused where its digest is not `expected`.
    """
    rules.require_path(path)
    with act(by, attempt="keep_artifact", on=run):
        can_record(by, run.team).enforce()  # before anything is read
        open_run(run, by=by)
    blob = blobs.receive(chunks, limit=settings.UPLOAD_LIMIT, expected=expected, may_be_empty=True)
    with act(by, attempt="keep_artifact", on=run) as this:
        can_record(by, run.team).enforce()
        run = open_run(run, by=by)
        if run.artifacts.count() >= MOST and not run.artifacts.filter(path=path).exists():
            raise InvalidInput(_("A run keeps at most %(most)d files: pack several into one.") % {"most": MOST})
        require_no_folder(run.artifacts, path)
        kept, _new = Artifact.objects.update_or_create(
            run=run, path=path, defaults={"digest": blob.digest, "size": blob.size, "kept_at": this.at}
        )
        TrainingRun.objects.filter(pk=run.pk).update(heard_at=this.at)
    return kept


def require_no_folder(kept: Any, path: str) -> None:
    """A path that is a file cannot be a folder too: who fetches the run could not write it down."""
    parts = path.split("/")
    above = ["/".join(parts[:length]) for length in range(1, len(parts))]
    if kept.filter(path__in=above).exists() or kept.filter(path__startswith=f"{path}/").exists():
        raise InvalidInput(_("“%(path)s” would be a file and a folder at once: choose another path.") % {"path": path})
