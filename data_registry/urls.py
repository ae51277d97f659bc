"""Pages about data."""

from django.urls import path

from data_registry import views

app_name = "data_registry"
urlpatterns = [
    path("datasets/", views.dataset_list, name="datasets"),
    path("datasets/<uuid:pk>/", views.dataset, name="dataset"),
    path("datasets/<uuid:pk>/versions/<int:number>/", views.dataset_version, name="dataset_version"),
    path("dataset-versions/<uuid:pk>/hold-out/", views.hold_out, name="hold_out"),
]
