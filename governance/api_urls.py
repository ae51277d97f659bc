from django.urls import path

from governance import api
from governance.causes import api as causes

urlpatterns = [
    path("versions/<uuid:pk>/submission/", api.Submission.as_view(), name="api-submission"),
    path("versions/<uuid:pk>/withdrawal/", api.Withdrawal.as_view(), name="api-withdrawal"),
    path("versions/<uuid:pk>/cards/", api.CardRevisions.as_view(), name="api-cards"),
    path("versions/<uuid:pk>/approval/", api.ApprovalDetail.as_view(), name="api-approval"),
    path("versions/<uuid:pk>/changes/", causes.Changes.as_view(), name="api-version-changes"),
    path("reviews/", api.Reviews.as_view(), name="api-reviews"),
    path("reviews/<uuid:pk>/", api.ReviewDetail.as_view(), name="api-review"),
    path("reviews/<uuid:pk>/sign-offs/", api.SignOffs.as_view(), name="api-sign-offs"),
    path("policies/", api.Policies.as_view(), name="api-policies"),
    path("releases/", api.Releases.as_view(), name="api-releases"),
    path("models/<uuid:pk>/rollbacks/", api.Rollbacks.as_view(), name="api-rollbacks"),
    path("gate/", api.Gate.as_view(), name="api-gate"),
]
