"""Addresses of reviews, signatures, policies, releases and the gate under /api/v1/."""

from django.urls import path

from governance.api import code, discussing, environments, evidence, findings, policies, releases, reviews, submitting
from governance.causes import api as causes

urlpatterns = [
    path("versions/<uuid:pk>/submission/", submitting.Submission.as_view(), name="api-submission"),
    path("versions/<uuid:pk>/withdrawal/", submitting.Withdrawal.as_view(), name="api-withdrawal"),
    path("versions/<uuid:pk>/cards/", submitting.CardRevisions.as_view(), name="api-cards"),
    path("versions/<uuid:pk>/approval/", reviews.ApprovalDetail.as_view(), name="api-approval"),
    path("versions/<uuid:pk>/changes/", causes.Changes.as_view(), name="api-version-changes"),
    path("versions/<uuid:pk>/code/", code.Code.as_view(), name="api-code"),
    path("versions/<uuid:pk>/code-comments/", code.CodeComments.as_view(), name="api-code-comments"),
    path("versions/<uuid:pk>/code-outcomes/", code.CodeOutcomes.as_view(), name="api-code-outcomes"),
    path("code-comments/<uuid:pk>/resolution/", code.CodeResolution.as_view(), name="api-code-resolution"),
    path("reviews/<uuid:pk>/messages/", discussing.Messages.as_view(), name="api-messages"),
    path("messages/<uuid:pk>/answers/", discussing.Answers.as_view(), name="api-answers"),
    path("reviews/", reviews.Reviews.as_view(), name="api-reviews"),
    path("reviews/<uuid:pk>/", reviews.ReviewDetail.as_view(), name="api-review"),
    path("reviews/<uuid:pk>/sign-offs/", reviews.SignOffs.as_view(), name="api-sign-offs"),
    path("findings/", findings.Findings.as_view(), name="api-findings"),
    path("findings/<uuid:pk>/", findings.FindingDetail.as_view(), name="api-finding"),
    path("findings/<uuid:pk>/plan/", findings.FindingPlan.as_view(), name="api-finding-plan"),
    path("findings/<uuid:pk>/mended/", findings.FindingMended.as_view(), name="api-finding-mended"),
    path("findings/<uuid:pk>/retest/", findings.FindingRetest.as_view(), name="api-finding-retest"),
    path("policies/", policies.Policies.as_view(), name="api-policies"),
    path("environments/", environments.Environments.as_view(), name="api-environments"),
    path("environments/<slug:slug>/mode/", environments.EnvironmentMode.as_view(), name="api-environment-mode"),
    path("environments/<slug:slug>/retirement/", environments.EnvironmentRetirement.as_view(), name="api-environment-retirement"),
    path("policies/<uuid:pk>/", policies.PolicyDetail.as_view(), name="api-policy"),
    path("policies/<uuid:pk>/yaml/", policies.PolicyAsYaml.as_view(), name="api-policy-yaml"),
    path("policies/<uuid:pk>/envelope/", policies.PolicyEnvelope.as_view(), name="api-policy-envelope"),
    path("policies/<uuid:pk>/dry-run/", policies.PolicyDryRun.as_view(), name="api-policy-dry-run"),
    path("policies/<uuid:pk>/withdrawal/", policies.PolicyWithdrawal.as_view(), name="api-policy-withdrawal"),
    path("policies/<uuid:pk>/publication/", policies.PolicyPublication.as_view(), name="api-policy-publication"),
    path("releases/", releases.Releases.as_view(), name="api-releases"),
    path("releases/as-of/", releases.ReleasesAsOf.as_view(), name="api-releases-as-of"),
    path("models/<uuid:pk>/rollbacks/", releases.Rollbacks.as_view(), name="api-rollbacks"),
    path("models/<uuid:pk>/evidence/", evidence.EvidenceList.as_view(), name="api-evidence-list"),
    path("models/<uuid:pk>/evidence/<slug:kind>/", evidence.EvidenceOfKind.as_view(), name="api-evidence-upload"),
    path("evidence/<uuid:pk>/", evidence.EvidenceDetail.as_view(), name="api-evidence"),
    path("evidence/<uuid:pk>/file/", evidence.EvidenceFile.as_view(), name="api-evidence-file"),
    path("evidence/<uuid:pk>/withdrawal/", evidence.EvidenceWithdrawal.as_view(), name="api-evidence-withdrawal"),
    path("gate/", releases.Gate.as_view(), name="api-gate"),
    path("gate/status/<str:digest>/", releases.GateStatus.as_view(), name="api-gate-status"),
]
