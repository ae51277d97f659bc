from django.urls import path

from governance import views
from governance.causes import views as causes

app_name = "governance"
urlpatterns = [
    path("", views.inbox, name="inbox"),
    path("policies/", views.policy_list, name="policies"),
    path("submit/", views.submit, name="submit"),
    path("versions/<uuid:pk>/changes/", causes.changes, name="changes"),
    path("reviews/<uuid:pk>/", views.review_detail, name="review"),
    path("reviews/<uuid:pk>/sign-off/", views.sign_off, name="sign_off"),
    path("versions/<uuid:pk>/finish/", views.finish, name="finish"),
    path("versions/<uuid:pk>/card/", views.revise_card, name="revise_card"),
    path("versions/<uuid:pk>/release/", views.release, name="release"),
    path("models/<uuid:pk>/rollback/", views.roll_back, name="roll_back"),
]
