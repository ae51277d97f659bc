"""Pages about training runs."""

from django.urls import path

from tracking import views

app_name = "tracking"
urlpatterns = [
    path("runs/", views.run_list, name="runs"),
    path("runs/<uuid:pk>/", views.run, name="run"),
]
