"""Taking the code of a version in, and the review of it: comments on lines, and outcomes over exactly what was read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from accounts.models import Person
from core import blobs, clock
from core.errors import InvalidInput, WrongState
from governance import events
from governance.code_sets import commit_of, digest_of, files_of, last_approved, latest_code
from governance.diffs import FileDiff, read_diff
from governance.models import CodeComment, CodeCommit, CodeOutcome, CodeSet, Review
from governance.permissions.code import can_comment, can_resolve, can_review_code, can_send_code
from governance.reviewing import refresh
from ledger.acts import Act, act
from ledger.events import Private
from models_registry.models import Version

if TYPE_CHECKING:
    from tracking.models import TrainingRun

PATCH = "code/changes.patch"  # where trainings keep what was not committed
OPEN = {Version.State.DRAFT, Version.State.SUBMITTED, Version.State.IN_REVIEW, Version.State.CHANGES_REQUESTED}


def receive_code(
    version: Version,
    *,
    by: Person,
    commit: str,
    tree: str,
    diff: str,
    base: str = "",
    patch: str = "",
    commits: Iterable[Mapping[str, Any]] = (),
    commits_total: int = 0,
    left_out: Iterable[Mapping[str, str]] = (),
    left_out_total: int = 0,
) -> CodeSet:
    """The version's code can be read in its review, as the client claims it; the very same code sent again changes nothing."""
    files = read_diff(diff)
    read_diff(patch)
    diff_digest, patch_digest = (blobs.keep(text.encode()).digest if text else "" for text in (diff, patch))
    named, missing = list(commits), [{"path": str(one["path"]), "why": str(one["why"])} for one in left_out]
    with act(by, attempt="send_code", on=version) as this:
        version = _locked(version)
        can_send_code(by, version).enforce()
        _must_be_undecided(version)
        patch_digest = _agreeing_with(version.training_run, commit, tree, patch_digest)
        base_version = _base_of(version, base)
        digest = digest_of(
            commit=commit,
            tree=tree,
            base=base,
            diff=diff_digest,
            patch=patch_digest,
            commits=[one["commit"] for one in named],
            commits_total=max(commits_total, len(named)),
            left_out=missing,
        )
        latest = latest_code(version)
        if latest is not None and latest.digest == digest:
            return latest
        made = CodeSet.objects.create(
            version=version,
            digest=digest,
            commit=commit,
            tree=tree,
            base=base,
            base_version=base_version,
            diff_digest=diff_digest,
            patch_digest=patch_digest,
            commits_total=max(commits_total, len(named)),
            left_out=missing,
            left_out_total=max(left_out_total, len(missing)),
            files=len(files),
            added=sum(one.added for one in files),
            removed=sum(one.removed for one in files),
            sent_by=by,
            sent_at=clock.now(),
        )
        CodeCommit.objects.bulk_create(_commits(made, version, named))
        this.record(
            events.CodeSetReceived(
                digest=digest,
                commit=commit,
                tree=tree,
                base=base,
                base_version=str(base_version.pk) if base_version else "",
                diff=diff_digest,
                patch=patch_digest,
                commits=made.commits_total,
                files=made.files,
                left_out=made.left_out_total,
            ),
            on=version,
        )
        _refresh(version, within=this, contributor=by)
    return made


def comment_on_code(
    code_set: CodeSet, *, by: Person, text: str, part: str = "", path: str = "", side: str = "", line: int | None = None
) -> CodeComment:
    """`text` stands beside that line of the code, or beside all of it, unresolved."""
    if not text.strip():
        raise InvalidInput(_("Write what you want to say about the code."), code="text_missing")
    if path or part or side or line:
        _must_be_shown(code_set, part, path, side, line)
    with act(by, attempt="comment_on_code", on=code_set.version) as this:
        can_comment(by, code_set.version.model).enforce()
        made = CodeComment(code_set=code_set, part=part, path=path, side=side, line=line, author=by, made_at=clock.now())
        fact = events.CodeCommentMade(
            comment=str(made.pk),
            code=code_set.digest,
            part=part,
            side=side,
            line=line or 0,
            path=Private(path),
            text=Private(text.strip()),
        )
        made.event = this.record(fact, on=code_set.version)
        made.save(force_insert=True)
    return made


def resolve_comment(comment: CodeComment, *, by: Person) -> CodeComment:
    """The comment is settled; it stays to be read."""
    version = comment.code_set.version
    with act(by, attempt="resolve_comment", on=version) as this:
        comment = (
            CodeComment.objects.select_for_update(of=("self",))
            .select_related("code_set__version__model__team")
            .get(pk=comment.pk)
        )
        can_resolve(by, comment).enforce()
        if comment.resolved_at is not None:
            raise WrongState(_("This comment was resolved already."), code="already_resolved")
        comment.resolved_at, comment.resolved_by = clock.now(), by
        comment.save(update_fields=["resolved_at", "resolved_by"])
        this.record(events.CodeCommentResolved(comment=str(comment.pk)), on=version)
    return comment


def record_code_outcome(
    code_set: CodeSet,
    *,
    by: Person,
    verdict: str,
    reason: str,
    url: str = "",
    reviewer: str = "",
    hosted_on: date | None = None,
) -> CodeOutcome:
    """`by` came to `verdict` about exactly this code, or vouches for a review at its host; what was signed before is stale."""
    if not reason.strip():
        raise InvalidInput(
            _("Say what you looked at and why you come to this: it becomes part of the record."), code="reason_missing"
        )
    hosted = bool(url or reviewer or hosted_on)
    if hosted:
        _must_be_hosted(url, reviewer, hosted_on)
    with act(by, attempt="review_code", on=code_set.version) as this:
        version = _locked(code_set.version)
        code_set = CodeSet.objects.with_parts().get(pk=code_set.pk)
        code_set.version = version
        can_review_code(by, code_set).enforce()
        _must_be_undecided(version)
        latest = latest_code(version)
        if latest is None or latest.pk != code_set.pk:
            raise WrongState(
                _("Other code was sent while you were reading. Read it, then say what you think of that."),
                code="changed_meanwhile",
            )
        made = CodeOutcome(
            version=version,
            code_set=code_set,
            digest=code_set.digest,
            person=by.pk,
            verdict=verdict,
            hosted_on=hosted_on,
            recorded_at=clock.now(),
        )
        fact = events.CodeReviewRecorded(
            outcome=str(made.pk),
            code=code_set.digest,
            verdict=verdict,
            hosted_on=hosted_on.isoformat() if hosted_on else "",
            reason=Private(reason.strip()),
            url=Private(url),
            reviewer=Private(reviewer.strip()),
        )
        made.event = this.record(fact, on=version)
        made.save(force_insert=True)
        _refresh(version, within=this)
    return made


def _locked(version: Version) -> Version:
    """The version before its review, as everybody does."""
    rows = Version.objects.select_for_update(of=("self",)).select_related("model__team", "training_run")
    return rows.get(pk=version.pk)


def _refresh(version: Version, *, within: Act, contributor: Person | None = None) -> None:
    review = Review.objects.open().locked().select_related("policy").filter(version=version).first()
    if review is not None:
        review.version = version
        refresh(review, within=within, contributor=contributor)


def _must_be_undecided(version: Version) -> None:
    if version.state not in OPEN:
        raise WrongState(
            _("%(version)s is %(state)s: its code and the review of it stay as they were when that was decided.")
            % {"version": version, "state": version.get_state_display().lower()},
            code="decided",
        )


def _agreeing_with(run: TrainingRun | None, commit: str, tree: str, patch_digest: str) -> str:
    """The digest of the patch that belongs to the code, once everything agrees with what the training run said."""
    said = run.code if run else {}
    for given, known, what in ((commit, said.get("commit"), _("commit")), (tree, said.get("tree"), _("tree"))):
        if known and given != known:
            raise InvalidInput(
                _("The training run names another %(what)s, %(known)s. Send the code that it was trained with.")
                % {"what": what, "known": str(known)[:12]},
                code="other_code",
            )
    recorded = str(said.get("patch_digest") or "")
    if patch_digest and said and patch_digest != recorded:
        raise InvalidInput(
            _("The changes that were not committed are others than those of the training run. Leave the patch out."),
            code="other_patch",
        )
    if run and recorded and not patch_digest and run.artifacts.filter(path=PATCH, digest=recorded).exists():
        return recorded
    return patch_digest


def _base_of(version: Version, base: str) -> Version | None:
    """The version that the code is compared with: that approved last, so that no change since goes unread."""
    before = last_approved(version)
    known = commit_of(before) if before else ""
    if not base:
        return None
    if base != known:
        raise InvalidInput(
            _("The code is compared with that of the version approved last (%(known)s), or with nothing at all.")
            % {"known": known[:12] or _("none is known")},
            code="other_base",
        )
    return before


def _commits(code_set: CodeSet, version: Version, named: list[Mapping[str, Any]]) -> list[CodeCommit]:
    """An author whose address is that of somebody of the team is kept by pseudonym alone; the address never."""
    addresses = {str(one.get("email", "")).strip().lower() for one in named} - {""}
    people = dict(Person.objects.filter(email__in=addresses, memberships__team=version.model.team).values_list("email", "pk"))
    made = []
    for place, one in enumerate(named):
        person = people.get(str(one.get("email", "")).strip().lower())
        made.append(
            CodeCommit(
                code_set=code_set,
                place=place,
                commit=one["commit"],
                at=one["at"],
                person=person,
                author="" if person else str(one.get("author", "")),
                subject=str(one.get("subject", "")),
            )
        )
    return made


def _must_be_shown(code_set: CodeSet, part: str, path: str, side: str, line: int | None) -> FileDiff:
    for file in files_of(code_set, part) if part in CodeComment.Part.values else []:
        if file.path == path and line and side in CodeComment.Side.values and file.has(side, line):
            return file
    raise InvalidInput(
        _("The code that was sent shows no such line: name part, path, side and line as it does."), code="no_such_line"
    )


def _must_be_hosted(url: str, reviewer: str, hosted_on: date | None) -> None:
    if not url or not reviewer.strip() or hosted_on is None:
        raise InvalidInput(
            _("Of a review at the repository's host give all: its address, who reviewed, and the day."), code="hosted"
        )
    try:
        parts = urlsplit(url)
        wrong = parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc
    except ValueError:
        wrong = True
    if wrong:
        raise InvalidInput(_("The address of the review begins with https:// or http:// and holds no password."), code="address")
    if hosted_on > clock.today():
        raise InvalidInput(_("The day of the review lies in the future."), code="hosted_on")
