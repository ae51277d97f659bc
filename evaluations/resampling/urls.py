from django.urls import path, re_path

from evaluations.resampling import views

app_name = "resampling"
urlpatterns = [
    path("versions/<uuid:pk>/cross-validation/", views.version, name="version"),
    re_path(r"^resamplings/(?P<pk>[0-9a-f-]{36})/(?P<number>\d{1,3})/(?P<theme>light|dark)\.svg\Z", views.chart, name="chart"),
]
