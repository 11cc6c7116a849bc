"""All URLs: those of each app, and the few of the project."""

from django.contrib import admin
from django.urls import include, path

from accounts.views.frame import language_change
from core.views import day_read, healthz, readyz
from reintegration.views.case_file import case_detail
from reintegration.views.dashboard import dashboard
from reintegration.views.project import project_detail

urlpatterns = [
    path("", dashboard, name="dashboard"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("day/", day_read, name="day-read"),
    path("language/", language_change, name="set_language"),
    path("admin/", admin.site.urls),
    path("", include("accounts.urls")),
    path("api/v1/", include("api.urls")),
    path("", include("beneficiaries.urls")),
    path("cases/<str:reference>/", case_detail, name="case-detail"),
    path("projects/<slug:code>/", project_detail, name="project-detail"),
    path("projects/", include("projects.urls")),
    path("", include("reintegration.urls")),
]
handler403 = "core.pages.forbidden"
handler404 = "core.pages.not_found"
