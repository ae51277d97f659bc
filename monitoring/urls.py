from django.urls import path, re_path

from monitoring import views

app_name = "monitoring"
urlpatterns = [
    path("versions/<uuid:pk>/monitoring/", views.monitoring, name="version"),
    re_path(r"^monitoring/charts/(?P<pk>\d{1,18})/(?P<theme>light|dark)\.svg\Z", views.chart, name="chart"),
    path("alerts/<uuid:pk>/acknowledge/", views.acknowledge, name="acknowledge"),
    path("alerts/<uuid:pk>/close/", views.close, name="close"),
]
