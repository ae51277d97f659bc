from django.urls import path, re_path

from evaluations import views

app_name = "evaluations"
urlpatterns = [
    path("versions/<uuid:pk>/checks/", views.checks, name="checks"),
    path("evaluations/<uuid:pk>/cancellation/", views.cancel, name="cancel"),
    path("evaluations/<uuid:pk>/repeats/", views.repeat, name="repeat"),
    re_path(r"^charts/(?P<pk>\d{1,18})/(?P<theme>light|dark)\.svg\Z", views.chart, name="chart"),
]
