from django.urls import path

from evaluations import api

urlpatterns = [
    path("versions/<uuid:pk>/evaluations/", api.Runs.as_view(), name="api-evaluations"),
    path("evaluations/<uuid:pk>/", api.RunDetail.as_view(), name="api-evaluation"),
    path("evaluations/<uuid:pk>/cancellation/", api.Cancellation.as_view(), name="api-evaluation-cancellation"),
    path("evaluations/<uuid:pk>/repeats/", api.Repeats.as_view(), name="api-evaluation-repeats"),
    path("evaluations/<uuid:pk>/predictions/", api.Predictions.as_view(), name="api-predictions"),
    path("checks/", api.Checks.as_view(), name="api-checks"),
    path("suites/", api.Suites.as_view(), name="api-suites"),
]
