"""Beginning a set, handing its checkpoints in, submitting it, calling it off."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from core import blobs, clock
from core.errors import InvalidInput, WrongState
from evaluations.resampling import events, jobs, lifecycle
from evaluations.resampling.models import WHOLE, Combination, Fold, FoldCheckpoint, Resampling
from evaluations.resampling.permissions import can_resample
from evaluations.resampling.splits import LIMIT, Plan, read_split
from ledger.acts import Act, act
from models_registry.models import Version, VersionData

if TYPE_CHECKING:
    from accounts.models import Person
    from data_registry.models import DatasetVersion

CLOSED = {Version.State.REJECTED, Version.State.WITHDRAWN, Version.State.RETIRED}


def begin(version: Version, chunks: Iterable[bytes], *, by: Person, expected: str | None = None) -> Resampling:
    """The version has a new set, with the split in `chunks`, of the training data whose digest that names."""
    with act(by, attempt="begin_resampling", on=version):
        can_resample(by, version).enforce()  # a refusal comes before the first byte is read, and is recorded
        _must_be_fixed(version)
    blob = blobs.receive(chunks, limit=LIMIT, expected=expected)
    plan = read_split(blobs.read(blob.digest))
    data = _training_data(version, plan)
    with act(by, attempt="begin_resampling", on=version) as this:
        can_resample(by, version).enforce()
        made = Resampling.objects.create(
            version=version,
            dataset_version=data,
            method=plan.method,
            split_digest=blob.digest,
            split=plan.facts(),
            created_by=by,
            created_at=clock.now(),
        )
        fact = events.ResamplingBegun(
            version_id=str(version.pk),
            method=plan.method,
            dataset=data.digest,
            split=blob.digest,
            parts=len(plan.names),
            seed=plan.seed if abs(plan.seed) < 2**53 else 0,  # canonical JSON holds no greater one; the file has it
        )
        this.record(fact, on=made)
    return made


def _must_be_fixed(version: Version) -> None:
    if version.state == Version.State.DRAFT:
        raise WrongState(
            _("Submit %(version)s first: until then its checkpoint and data may still change.") % {"version": version},
            code="not_submitted",
        )
    if version.state in CLOSED:
        raise WrongState(_("%(version)s is closed, so nothing more is measured of it.") % {"version": version}, code="closed")


def _training_data(version: Version, plan: Plan) -> DatasetVersion:
    """The data that the split was drawn from, if the version was trained on exactly them."""
    links = version.data.filter(use=VersionData.Use.TRAINING).select_related("dataset_version__dataset")
    for link in links:
        if link.dataset_version.digest == plan.sha256:
            return link.dataset_version
    raise InvalidInput(
        _(
            "The split was drawn from a file with the digest %(digest)s, which is none of the training data of %(version)s "
            "(%(known)s). Draw it from the registered file."
        )
        % {
            "digest": plan.sha256 or "–",
            "version": version,
            "known": ", ".join(str(link.dataset_version) for link in links) or _("it names none"),
        },
        code="other_data",
    )


def receive_checkpoint(
    resampling: Resampling, number: int, chunks: Iterable[bytes], *, name: str, by: Person, expected: str | None = None
) -> Resampling:
    """The part `number` (from 1) has these bytes as its checkpoint."""
    parts = len(resampling.split["parts"])
    with act(by, attempt="receive_fold", on=resampling):
        can_resample(by, resampling.version).enforce()
        if not 1 <= number <= parts:
            raise InvalidInput(_("The split has the parts 1 to %(parts)s.") % {"parts": parts}, code="no_such_part")
        _must_be_open(resampling)
    blob = blobs.receive(chunks, limit=settings.UPLOAD_LIMIT, expected=expected)
    with act(by, attempt="receive_fold", on=resampling) as this:
        resampling = (
            Resampling.objects.select_for_update(of=("self",)).select_related("version__model__team").get(pk=resampling.pk)
        )
        can_resample(by, resampling.version).enforce()
        _must_be_open(resampling)
        shown = "".join(letter for letter in name.replace("\\", "/").rsplit("/", 1)[-1] if letter.isprintable())[:255]
        FoldCheckpoint.objects.update_or_create(
            resampling=resampling, number=number, defaults={"digest": blob.digest, "size": blob.size, "name": shown}
        )
        this.record(events.FoldReceived(number=number, digest=blob.digest, size=blob.size), on=resampling)
    return resampling


def _must_be_open(resampling: Resampling) -> None:
    if resampling.submitted_at is not None:
        raise WrongState(_("This set was submitted, so its checkpoints are fixed. Begin another one."), code="already_submitted")


def submit(resampling: Resampling, *, by: Person) -> Resampling:
    """The set is fixed, and each of its checkpoints waits to be measured on the rows that it was not trained on."""
    with act(by, attempt="submit_resampling", on=resampling) as this:
        resampling = (
            Resampling.objects.select_for_update(of=("self", "version"))  # it may be withdrawn at this moment
            .select_related("version__model__team", "dataset_version")
            .get(pk=resampling.pk)
        )
        version = resampling.version
        can_resample(by, version).enforce()
        _must_be_open(resampling)
        _must_be_fixed(version)
        given = {one.number: one.digest for one in resampling.checkpoints.all()}
        refuse_incomplete(resampling, given)
        refuse_leakage(resampling, given, own=version.checkpoint_digest)
        resampling.submitted_at = clock.now()
        resampling.save(update_fields=["submitted_at"])
        this.record(
            events.ResamplingSubmitted(
                version_id=str(version.pk),
                checkpoint=version.checkpoint_digest,
                dataset=resampling.dataset_version.digest,
                split=resampling.split_digest,
                folds=[given[number] for number in sorted(given)],
            ),
            on=resampling,
        )
        Fold.objects.bulk_create(_folds(resampling, given))
        Combination.objects.create(resampling=resampling, queued_at=clock.now())
        transaction.on_commit(partial(jobs.send_next, resampling.pk), robust=True)  # without a broker the sweep rings later
    return resampling


def _folds(resampling: Resampling, given: dict[int, str]) -> list[Fold]:
    moment, parts = clock.now(), resampling.split["parts"]
    folds = [
        Fold(
            resampling=resampling,
            number=number,
            name=part["name"],
            checkpoint_digest=given[number],
            rows=part["held_out_rows"],
            queued_at=moment,
        )
        for number, part in enumerate(parts, start=1)
    ]
    # The version itself: .632+ weighs the refits against its error on these rows, and no fold may be it in other bytes.
    whole = {"number": WHOLE, "name": _("the version on its training rows"), "rows": resampling.split["rows"]}
    folds.append(Fold(resampling=resampling, checkpoint_digest=resampling.version.checkpoint_digest, queued_at=moment, **whole))
    return folds


def refuse_incomplete(resampling: Resampling, given: dict[int, str]) -> None:
    """Every part has a checkpoint: a mean over fewer would not be what was asked for."""
    missing = [part["name"] for number, part in enumerate(resampling.split["parts"], start=1) if number not in given]
    if missing:
        raise InvalidInput(
            _("Checkpoints are missing for %(missing)s of %(all)s parts, the first of them %(name)s: send each.")
            % {"missing": len(missing), "all": len(resampling.split["parts"]), "name": missing[0]},
            code="incomplete",
        )


def refuse_leakage(resampling: Resampling, given: dict[int, str], *, own: str) -> None:
    """No checkpoint stands for two parts, and none is the version itself, which has seen every row."""
    names = [part["name"] for part in resampling.split["parts"]]
    remedy = _(
        "Train one checkpoint for each part on its training rows alone (countersign.cross_validate does that), or measure the "
        "one checkpoint on data that it never saw; the bootstrap of rows beside that number needs no further training."
    )
    for number, digest in sorted(given.items()):
        if digest == own:
            raise InvalidInput(
                _(
                    "%(name)s is the checkpoint of %(version)s itself, which was trained on all rows, also on those that this "
                    "part holds out. That is leakage, not cross-validation: the number would be too good. %(remedy)s"
                )
                % {"name": names[number - 1], "version": resampling.version, "remedy": remedy},
                code="leakage",
            )
    twice = [digest for digest, count in Counter(given.values()).items() if count > 1]
    if twice:
        one, two = [number for number, digest in sorted(given.items()) if digest == twice[0]][:2]
        raise InvalidInput(
            _(
                "%(one)s and %(two)s are the same checkpoint, so it was trained on rows that it would be measured on. That is "
                "leakage, not cross-validation: the number would be too good. %(remedy)s"
            )
            % {"one": names[one - 1], "two": names[two - 1], "remedy": remedy},
            code="leakage",
        )


def cancel_sets_of(version: Version, *, within: Act) -> None:
    """Sets that have not ended are called off with the runs of their version."""
    for fold in Fold.objects.select_for_update().filter(resampling__version=version, state__in=["queued", "running"]):
        lifecycle.cancel_fold(fold, within=within)
    waiting = Combination.objects.select_for_update(of=("self",)).select_related("resampling")
    for combination in waiting.filter(resampling__version=version, state__in=["queued", "running"]):
        lifecycle.cancel_combination(combination, within=within)
