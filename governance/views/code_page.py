"""What the page of a version's code shows: outcomes, commits, and the differences with the comments on their lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts.models import Person
from governance.code_sets import files_of, last_approved
from governance.diffs import FileDiff, Line
from governance.forms.code import CodeCommentForm, CodeOutcomeForm
from governance.models import CodeComment, CodeCommit, CodeOutcome, CodeSet
from governance.permissions.code import can_comment, can_review_code
from governance.services.code import OPEN

MOST_ROWS = 1_500  # rows of code on one page; a longer file goes on on the next
MOST_COMMITS = 200
MOST_COMMENTS = 300


@dataclass(slots=True)
class Row:
    """One row of a file: a hunk's heading, or a line with its comments and, where one is being written, the form."""

    line: Line | None
    heading: str = ""
    side: str = ""
    number: int = 0
    comments: list[CodeComment] = field(default_factory=list)
    form: CodeCommentForm | None = None


@dataclass(frozen=True, slots=True)
class Talk:
    """The comments, and the one that is being written with the place that it is about (part, path, side, line)."""

    comments: list[CodeComment]
    form: CodeCommentForm | None
    about: tuple[str, str, str, int] | None


@dataclass(slots=True)
class ShownFile:
    """One file of one part: its rows where they are shown here, else only what leads to them."""

    part: str
    index: int
    file: FileDiff
    rows: list[Row] = field(default_factory=list)
    open: bool = False
    comments: int = 0
    next: int = 0  # the row with which the next page begins; 0: there is none


def of_set(
    request: HttpRequest, code_set: CodeSet, comment_form: CodeCommentForm | None, outcome_form: CodeOutcomeForm | None
) -> dict[str, Any]:
    version = code_set.version
    sets = list(CodeSet.objects.filter(version=version).order_by("-pk")[:20])
    may_review, may_comment = can_review_code(request.user, code_set), can_comment(request.user, version.model)
    comments = list(CodeComment.objects.with_texts().filter(code_set__version=version).select_related("code_set")[:MOST_COMMENTS])
    outcomes = list(CodeOutcome.objects.with_texts().filter(version=version).order_by("-pk")[:50])
    commits: list[CodeCommit] = list(code_set.commits.all()[:MOST_COMMITS])
    named = {one.person for one in outcomes} | {one.person for one in commits if one.person}
    people = Person.objects.in_bulk(named)
    is_latest = sets[0].pk == code_set.pk
    if outcome_form is None and may_review and is_latest and version.state in OPEN:
        outcome_form = CodeOutcomeForm(initial={"code": code_set.pk})
    written = comment_form or (_begun(request, code_set) if may_comment else None)
    about = _place(written)
    talk = Talk(comments, written, about)
    before = last_approved(version)
    return {
        "is_latest": is_latest,
        "sets": sets,
        "before": before,
        "outcomes": [(one, people.get(one.person), one.digest != sets[0].digest) for one in outcomes],
        "commits": [(one, people.get(one.person)) for one in commits],
        "more_commits": code_set.commits_total - len(commits),
        "parts": [(part.value, part.label, _files(request, code_set, part.value, talk)) for part in CodeComment.Part],
        "general": [one for one in comments if one.code_set_id == code_set.pk and not one.path],
        "elsewhere": [one for one in comments if one.code_set_id != code_set.pk and one.resolved_at is None],
        "unresolved": sum(one.resolved_at is None for one in comments),
        "outcome_form": outcome_form,
        "may_review": bool(may_review),
        "why_not": may_review.reason or ("" if is_latest else _("Other code was sent since; only the latest is judged.")),
        "comment_form": written if written is not None and about is None else None,
        "new_comment": CodeCommentForm(initial={"code": code_set.pk}, auto_id="all_%s") if may_comment else None,
        "may_comment": may_comment,
        "one_file": bool(request.GET.get("file")),
    }


def _begun(request: HttpRequest, code_set: CodeSet) -> CodeCommentForm | None:
    """The form beside the line that the address names."""
    line, path = request.GET.get("line", ""), request.GET.get("path", "")
    if not (line.isascii() and line.isdigit() and len(line) <= 9 and path):
        return None
    given = {name: request.GET.get(name, "") for name in ("part", "path", "side")}
    return CodeCommentForm(initial={**given, "line": int(line), "code": code_set.pk})


def _place(form: CodeCommentForm | None) -> tuple[str, str, str, int] | None:
    if form is None:
        return None
    part, path, side, line = (str(form[name].value() or "") for name in ("part", "path", "side", "line"))
    return (part, path, side, int(line)) if path and line.isascii() and line.isdigit() else None


def _files(
    request: HttpRequest,
    code_set: CodeSet,
    part: str,
    talk: Talk,
) -> list[ShownFile]:
    """The files of one part. Where one is asked for, that alone is unfolded; else as many as a page holds."""
    written, about = talk.form, talk.about
    asked = _number(request.GET.get("file", "")) if request.GET.get("part") == part else None
    another = bool(request.GET.get("file")) and asked is None
    if about is not None and asked is None and written is not None and written.is_bound:
        another = True  # a refused comment comes back in its own file
    start, room = _number(request.GET.get("row", "")) or 0, MOST_ROWS
    shown = []
    for index, file in enumerate(files_of(code_set, part)):
        mine = [one for one in talk.comments if one.code_set_id == code_set.pk and (one.part, one.path) == (part, file.path)]
        one = ShownFile(part, index, file, comments=len(mine))
        is_about = about is not None and about[:2] == (part, file.path)
        if index == asked or (is_about and another):
            rows = _rows(file, mine, talk if is_about else None)
            start = next((n for n, row in enumerate(rows) if row.form), start) // MOST_ROWS * MOST_ROWS if is_about else start
            one.rows, one.open = rows[start : start + MOST_ROWS], True
            one.next = start + MOST_ROWS if start + MOST_ROWS < len(rows) else 0
        elif asked is None and not another and file.size <= room:
            one.rows, room = _rows(file, mine, talk if is_about else None), room - file.size
        shown.append(one)
    return shown


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else None


def _rows(file: FileDiff, comments: list[CodeComment], talk: Talk | None) -> list[Row]:
    """`talk` is given where a comment on a line of this file is being written."""
    said: dict[tuple[str, int | None], list[CodeComment]] = {}
    for one in comments:
        said.setdefault((one.side, one.line), []).append(one)
    rows = []
    for hunk in file.hunks:
        rows.append(Row(None, hunk.heading))
        for line in hunk.lines:
            side, number = ("old", line.old) if line.kind == "removed" else ("new", line.new)
            row = Row(line, "", side if number else "", number or 0)
            row.comments = [*said.get(("new", line.new), []), *said.get(("old", line.old), [])] if number else []
            if talk and talk.about and talk.about[3] == (line.old if talk.about[2] == "old" else line.new):
                row.form = talk.form
            rows.append(row)
    return rows
