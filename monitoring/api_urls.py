from django.urls import path

from monitoring import api

urlpatterns = [
    path("observations/", api.Observations.as_view(), name="api-observations"),
    path("alerts/", api.Alerts.as_view(), name="api-alerts"),
    path("alerts/<uuid:pk>/acknowledgement/", api.Acknowledgement.as_view(), name="api-alert-acknowledgement"),
    path("alerts/<uuid:pk>/closing/", api.Closing.as_view(), name="api-alert-closing"),
]
