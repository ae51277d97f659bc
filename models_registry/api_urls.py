from django.urls import path

from models_registry import api

urlpatterns = [
    path("card-fields/", api.CardFields.as_view(), name="api-card-fields"),
    path("models/", api.Models.as_view(), name="api-models"),
    path("models/<uuid:pk>/", api.ModelDetail.as_view(), name="api-model"),
    path("models/<uuid:pk>/versions/", api.Versions.as_view(), name="api-versions"),
    path("versions/<uuid:pk>/", api.VersionDetail.as_view(), name="api-version"),
    path("versions/<uuid:pk>/data/", api.VersionDataLinks.as_view(), name="api-version-data"),
    path("runs/<uuid:pk>/registration/", api.Registration.as_view(), name="api-run-registration"),
    path("versions/<uuid:pk>/clones/", api.Clones.as_view(), name="api-version-clones"),
    path("versions/<uuid:pk>/checkpoint/", api.Checkpoint.as_view(), name="api-checkpoint"),
]
