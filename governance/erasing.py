"""What governance keeps of a person's words outside the log, and that it goes when the person is erased."""

from __future__ import annotations

from typing import TYPE_CHECKING

from governance.models import CodeCommit, Condition, Delegation, Evidence, Finding, MailWish, Release, RequirementException

if TYPE_CHECKING:
    from accounts.models import Person


def erase(person: Person) -> None:
    """No reason that the person wrote for a roll-back, no text of a finding, a condition or a file of evidence and no words of
    commits that they wrote (or sent, where nobody here is known as the author) remain beside the log; comments lie behind it."""
    Release.objects.filter(released_by=person).exclude(reason="").update(reason="")
    Finding.objects.filter(raised_by=person).update(title="", description="")
    Finding.objects.filter(planned_by=person).update(plan="")
    Finding.objects.filter(done_by=person).update(done="")
    Finding.objects.filter(retested_by=person).update(retest_reason="")
    Evidence.objects.filter(uploaded_by=person).update(title="", file_name="")
    Evidence.objects.filter(ended_by=person).exclude(reason="").update(reason="")
    CodeCommit.objects.filter(person=person.pk).update(author="", subject="")
    CodeCommit.objects.filter(person=None, code_set__sent_by=person).update(author="", subject="")
    Condition.objects.filter(owner=person).exclude(report="").update(report="")
    Condition.objects.filter(owner=person).exclude(evidence_name="").update(evidence_name="")
    Condition.objects.filter(refused_by=person.pk).exclude(refusal="").update(refusal="")
    Condition.objects.filter(sign_off__person=person.pk).update(text="", evidence_asked="")
    RequirementException.objects.filter(requested_by=person).update(reason="", control="")
    RequirementException.objects.filter(decided_by=person).update(decision="")
    Delegation.objects.filter(delegator=person).update(reason="")
    MailWish.objects.filter(person=person).delete()
