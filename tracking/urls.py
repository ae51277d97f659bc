"""Pages about training runs."""

from django.urls import path

from tracking import views
from tracking.searching import views as searching

app_name = "tracking"
urlpatterns = [
    path("runs/", searching.run_list, name="runs"),
    path("runs/compare/", searching.compare, name="compare"),
    path("runs/<uuid:pk>/", views.run, name="run"),
]
