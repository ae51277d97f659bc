from django.urls import path

from governance.causes import views as causes
from governance.views import environments, evidence, findings, history, inbox, policies, releasing, reviews, submitting

app_name = "governance"
urlpatterns = [
    path("", inbox.inbox, name="inbox"),
    path("policies/", policies.policy_list, name="policies"),
    path("environments/", environments.environments, name="environments"),
    path("environments/new/", environments.make_environment, name="make_environment"),
    path("environments/<slug:slug>/mode/", environments.environment_mode, name="environment_mode"),
    path("environments/<slug:slug>/retirement/", environments.retire_environment, name="retire_environment"),
    path("releases/", history.as_of, name="releases"),
    path("models/<uuid:pk>/releases/", history.of_model, name="model_releases"),
    path("submit/", submitting.submit, name="submit"),
    path("versions/<uuid:pk>/changes/", causes.changes, name="changes"),
    path("reviews/<uuid:pk>/", reviews.review_detail, name="review"),
    path("reviews/<uuid:pk>/sign-off/", reviews.sign_off, name="sign_off"),
    path("versions/<uuid:pk>/finish/", submitting.finish, name="finish"),
    path("versions/<uuid:pk>/card/", submitting.revise_card, name="revise_card"),
    path("findings/", findings.finding_list, name="findings"),
    path("findings/raise/", findings.raise_finding, name="raise_finding"),
    path("findings/<uuid:pk>/", findings.finding_detail, name="finding"),
    path("findings/<uuid:pk>/plan/", findings.plan, name="finding_plan"),
    path("findings/<uuid:pk>/mended/", findings.mended, name="finding_mended"),
    path("findings/<uuid:pk>/retest/", findings.retest, name="finding_retest"),
    path("findings/<uuid:pk>/revise/", findings.revise, name="finding_revise"),
    path("versions/<uuid:pk>/release/", releasing.release, name="release"),
    path("models/<uuid:pk>/evidence/", evidence.evidence, name="evidence"),
    path("evidence/<uuid:pk>/file/", evidence.file, name="evidence_file"),
    path("evidence/<uuid:pk>/withdraw/", evidence.withdraw, name="withdraw_evidence"),
    path("models/<uuid:pk>/rollback/", releasing.roll_back, name="roll_back"),
]
