"""Code, comments on it and outcomes in the API."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from governance.code_sets import commit_of, last_approved, latest_code
from governance.diffs import MOST_BYTES
from governance.models import CodeComment, CodeCommit, CodeOutcome, CodeSet
from models_registry.models import Version

HASH = r"^(?:[0-9a-f]{40}|[0-9a-f]{64})\Z"


class CommitInput(serializers.Serializer):
    commit = serializers.RegexField(HASH)
    at = serializers.DateTimeField()
    author = serializers.CharField(max_length=200, allow_blank=True, default="")
    email = serializers.CharField(
        max_length=254, allow_blank=True, default="", help_text="To find the colleague who wrote it; never kept."
    )
    subject = serializers.CharField(max_length=200, allow_blank=True, default="")


class LeftOut(serializers.Serializer):
    path = serializers.CharField(max_length=1000, trim_whitespace=False)
    why = serializers.ChoiceField(choices=["binary", "too_large", "withheld"])


class CodeInput(serializers.Serializer):
    commit = serializers.RegexField(HASH, help_text="The commit that the version was made with.")
    tree = serializers.RegexField(HASH)
    base = serializers.RegexField(
        HASH, allow_blank=True, default="", help_text="The commit of the version approved last; empty: compared with nothing."
    )
    commits = CommitInput(many=True, default=list, max_length=1000)  # type: ignore[call-arg]  # of DRF's list around it
    commits_total = serializers.IntegerField(min_value=0, max_value=10**9, default=0)
    diff = serializers.CharField(max_length=MOST_BYTES, trim_whitespace=False, allow_blank=True, help_text="As git writes it.")
    patch = serializers.CharField(
        max_length=MOST_BYTES, trim_whitespace=False, allow_blank=True, default="", help_text="What was not committed."
    )
    left_out = LeftOut(many=True, default=list, max_length=1000)  # type: ignore[call-arg]  # as above
    left_out_total = serializers.IntegerField(min_value=0, max_value=10**9, default=0)


class CommitOutput(serializers.ModelSerializer):
    class Meta:
        model = CodeCommit
        fields = ["commit", "at", "person", "author", "subject"]


class OutcomeOutput(serializers.ModelSerializer):
    reason = serializers.CharField(allow_null=True, help_text="null once its writer is erased.")
    url = serializers.CharField(allow_null=True, help_text="Of a review at the repository's host: claimed.")
    reviewer = serializers.CharField(allow_null=True)

    class Meta:
        model = CodeOutcome
        fields = ["id", "digest", "person", "verdict", "reason", "url", "reviewer", "hosted_on", "recorded_at"]


class CodeSetOutput(serializers.ModelSerializer):
    commits = CommitOutput(many=True)
    diff_digest = serializers.CharField()
    patch_digest = serializers.CharField()

    class Meta:
        model = CodeSet
        fields = [
            *("id", "digest", "commit", "tree", "base", "base_version", "diff_digest", "patch_digest", "commits"),
            *("commits_total", "left_out", "left_out_total", "files", "added", "removed", "sent_by", "sent_at"),
        ]


class WantedOutput(serializers.Serializer):
    commit = serializers.CharField(help_text="That of the training run; empty where it named none.")
    patch_digest = serializers.CharField(help_text="Of what was not committed then; empty where it named none.")
    base = serializers.CharField(help_text="The commit of the version approved last; empty: send all of it.")
    base_version = serializers.CharField(help_text="The name of that version.")


class CodeOutput(serializers.Serializer):
    wanted = WantedOutput()
    code = CodeSetOutput(allow_null=True, help_text="What was sent last: a claim of its sender.")


class CommentInput(serializers.Serializer):
    text = serializers.CharField(max_length=4000)
    part = serializers.ChoiceField(choices=CodeComment.Part.choices, required=False, allow_blank=True)
    path = serializers.CharField(max_length=1000, required=False, allow_blank=True, trim_whitespace=False)
    side = serializers.ChoiceField(choices=CodeComment.Side.choices, required=False, allow_blank=True)
    line = serializers.IntegerField(min_value=1, max_value=2**31 - 1, required=False, allow_null=True)


class CommentOutput(serializers.ModelSerializer):
    digest = serializers.CharField(source="code_set.digest")
    text = serializers.CharField(allow_null=True, help_text="null once its writer is erased.")

    class Meta:
        model = CodeComment
        fields = [
            *("id", "digest", "part", "path", "side", "line", "text", "author"),
            *("made_at", "resolved_by", "resolved_at"),
        ]


class OutcomeInput(serializers.Serializer):
    digest = serializers.RegexField(r"^sha256:[0-9a-f]{64}\Z", help_text="Of the code that you read; refused if it changed.")
    verdict = serializers.ChoiceField(choices=CodeOutcome.Verdict.choices)
    reason = serializers.CharField(max_length=4000)
    url = serializers.CharField(max_length=500, required=False, allow_blank=True)
    reviewer = serializers.CharField(max_length=200, required=False, allow_blank=True)
    hosted_on = serializers.DateField(required=False, allow_null=True)


def code(version: Version) -> dict[str, Any]:
    """`CodeOutput` of a version."""
    said = version.training_run.code if version.training_run else {}
    before, sent = last_approved(version), latest_code(version)
    return {
        "wanted": {
            "commit": str(said.get("commit") or ""),
            "patch_digest": str(said.get("patch_digest") or ""),
            "base": commit_of(before) if before else "",
            "base_version": str(before) if before else "",
        },
        "code": CodeSetOutput(sent).data if sent else None,
    }
