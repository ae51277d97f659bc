from django.urls import path

from governance.causes import views as causes
from governance.views import inbox, policies, releasing, reviews, submitting

app_name = "governance"
urlpatterns = [
    path("", inbox.inbox, name="inbox"),
    path("policies/", policies.policy_list, name="policies"),
    path("submit/", submitting.submit, name="submit"),
    path("versions/<uuid:pk>/changes/", causes.changes, name="changes"),
    path("reviews/<uuid:pk>/", reviews.review_detail, name="review"),
    path("reviews/<uuid:pk>/sign-off/", reviews.sign_off, name="sign_off"),
    path("versions/<uuid:pk>/finish/", submitting.finish, name="finish"),
    path("versions/<uuid:pk>/card/", submitting.revise_card, name="revise_card"),
    path("versions/<uuid:pk>/release/", releasing.release, name="release"),
    path("models/<uuid:pk>/rollback/", releasing.roll_back, name="roll_back"),
]
