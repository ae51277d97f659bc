from django.urls import path

from models_registry import views

app_name = "models_registry"
urlpatterns = [
    path("models/", views.model_list, name="models"),
    path("models/<uuid:pk>/", views.model_detail, name="model"),
    path("models/<uuid:pk>/statement/", views.state, name="state"),
    path("versions/<uuid:pk>/", views.version_overview, name="version"),
    path("runs/<uuid:pk>/register/", views.register_run, name="run_registration"),
    path("versions/<uuid:pk>/clone/", views.clone, name="clone"),
    path("versions/<uuid:pk>/evidence/", views.version_evidence, name="evidence"),
    path("versions/<uuid:pk>/history/", views.version_history, name="history"),
]
