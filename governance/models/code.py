"""The code of a version as its client told it, what people say about lines of it, and what they came to."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import OuterRef, Q, Subquery
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from core.ids import uuid7
from ledger.models import PrivateValue


def private(path: str) -> Subquery:
    """The text behind the commitment of a row's event; nothing once its writer is erased."""
    return Subquery(PrivateValue.objects.filter(event_id=OuterRef("event"), path=path).values("value")[:1])


class CodeSetQuerySet(models.QuerySet["CodeSet"]):
    def with_parts(self) -> CodeSetQuerySet:
        return self.select_related("version__model__team", "base_version__model", "sent_by")


class CodeSet(models.Model):
    """The commits and the differences that a client sent for a version. All of it is the client's claim."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    version = models.ForeignKey("models_registry.Version", on_delete=models.PROTECT, related_name="code_sets")
    digest = models.CharField(max_length=71)  # of everything below that says what the code is; see governance.code_sets
    commit = models.CharField(max_length=64)
    tree = models.CharField(max_length=64)
    base = models.CharField(max_length=64, blank=True)  # the commit that it is compared with; empty: with nothing
    base_version = models.ForeignKey("models_registry.Version", on_delete=models.PROTECT, null=True, related_name="+")
    diff_digest = models.CharField(max_length=71, blank=True)  # of the blob; empty where nothing differs
    patch_digest = models.CharField(max_length=71, blank=True)  # what was not committed when it was trained
    commits_total = models.PositiveIntegerField()
    left_out = models.JSONField(default=list)  # [{"path", "why"}] of files whose differences were not sent
    left_out_total = models.PositiveIntegerField(default=0)
    files = models.PositiveIntegerField()
    added = models.PositiveIntegerField()
    removed = models.PositiveIntegerField()
    sent_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    sent_at = models.DateTimeField()

    objects = CodeSetQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return _("Code of %(version)s") % {"version": self.version}

    def get_absolute_url(self) -> str:
        return reverse("governance:code", args=[self.version_id])


class CodeCommit(models.Model):
    """One commit of a code set, the newest first. Author and subject are personal values and go with the person."""

    code_set = models.ForeignKey(CodeSet, on_delete=models.PROTECT, related_name="commits")
    place = models.PositiveIntegerField()
    commit = models.CharField(max_length=64)
    at = models.DateTimeField()
    person = models.UUIDField(null=True, db_index=True)  # pseudonym, where the author's address is that of a colleague
    author = models.CharField(max_length=200, blank=True)  # the name in the commit, where it is of nobody known here
    subject = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["place"]
        constraints = [models.UniqueConstraint(fields=["code_set", "place"], name="one_commit_at_a_place")]

    def __str__(self) -> str:
        return self.commit[:12]


class CodeCommentQuerySet(models.QuerySet["CodeComment"]):
    def with_texts(self) -> CodeCommentQuerySet:
        return self.select_related("author", "resolved_by").annotate(text=private("text"))

    def unresolved(self) -> CodeCommentQuerySet:
        return self.filter(resolved_at=None)


class CodeComment(models.Model):
    """What somebody says about a line, or about the code as a whole. Its text lies behind its event's commitment."""

    class Part(models.TextChoices):
        CHANGES = "changes", _("Committed")
        PATCH = "patch", _("Not committed")

    class Side(models.TextChoices):
        OLD = "old", _("Before")
        NEW = "new", _("After")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code_set = models.ForeignKey(CodeSet, on_delete=models.PROTECT, related_name="comments")
    part = models.CharField(max_length=8, choices=Part.choices, blank=True)  # empty: about the code as a whole
    path = models.CharField(max_length=1000, blank=True)
    side = models.CharField(max_length=4, choices=Side.choices, blank=True)
    line = models.PositiveIntegerField(null=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    event = models.UUIDField()
    made_at = models.DateTimeField()
    resolved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    resolved_at = models.DateTimeField(null=True)

    objects = CodeCommentQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(part="", path="", side="", line=None) | (~Q(path="") & ~Q(part="") & ~Q(side="") & Q(line__gt=0)),
                name="code_comment_has_a_whole_place_or_none",
            )
        ]

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.path else str(_("the code as a whole"))


class CodeOutcomeQuerySet(models.QuerySet["CodeOutcome"]):
    def with_texts(self) -> CodeOutcomeQuerySet:
        return self.annotate(reason=private("reason"), url=private("url"), reviewer=private("reviewer"))


class CodeOutcome(models.Model):
    """What one person came to about exactly one digest of code, here or (claimed) in a review at the repository's host."""

    class Verdict(models.TextChoices):
        APPROVED = "approved", _("Code approved")
        CHANGES_REQUESTED = "changes_requested", _("Changes requested")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    version = models.ForeignKey("models_registry.Version", on_delete=models.PROTECT, related_name="code_outcomes")
    code_set = models.ForeignKey(CodeSet, on_delete=models.PROTECT, related_name="outcomes")
    digest = models.CharField(max_length=71)
    person = models.UUIDField(db_index=True)  # pseudonym of who recorded it, and answers for it
    verdict = models.CharField(max_length=20, choices=Verdict.choices)
    hosted_on = models.DateField(null=True)  # the day of a hosted review; empty: reviewed here
    event = models.UUIDField()
    recorded_at = models.DateTimeField()

    objects = CodeOutcomeQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.get_verdict_display()
