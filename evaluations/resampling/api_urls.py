from django.urls import path

from evaluations.resampling import api

urlpatterns = [
    path("versions/<uuid:pk>/resamplings/", api.Resamplings.as_view(), name="api-resamplings"),
    path("resamplings/<uuid:pk>/", api.ResamplingDetail.as_view(), name="api-resampling"),
    path("resamplings/<uuid:pk>/checkpoints/<int:number>/", api.ResamplingCheckpoint.as_view(), name="api-resampling-checkpoint"),
    path("resamplings/<uuid:pk>/submission/", api.ResamplingSubmission.as_view(), name="api-resampling-submission"),
]
