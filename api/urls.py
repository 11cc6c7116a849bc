"""Addresses of the API: each resource by an opaque key, never by a counter."""

from django.urls import path, re_path
from rest_framework.routers import SimpleRouter

from api.resources import RESOURCES
from api.views.documentation import documentation, schema
from api.views.start import missing, start

app_name = "api"

router = SimpleRouter(use_regex_path=False)
for kind in RESOURCES:
    router.register(kind.path, kind, basename=kind.noun)

urlpatterns = [
    path("", start, name="start"),
    path("schema/", schema, name="schema"),
    path("docs/", documentation, name="docs"),
    *router.urls,
    re_path(r"^(?P<rest>.*)$", missing, name="missing"),
]
