"""Addresses of the API: each resource by an opaque key, never by a counter."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter
from rest_framework.routers import SimpleRouter

from api.resources import RESOURCES
from api.views.documentation import documentation, schema
from api.views.start import missing, start

app_name = "api"


class Anything(StringConverter):
    """The rest of an address, slashes and line ends included."""

    regex = "(?s:.+)"


register_converter(Anything, "anything")

router = SimpleRouter(use_regex_path=False)
for kind in RESOURCES:
    router.register(kind.path, kind, basename=kind.noun)

urlpatterns = [
    path("", start, name="start"),
    path("schema/", schema, name="schema"),
    path("docs/", documentation, name="docs"),
    *router.urls,
    path("<anything:rest>", missing, name="missing"),
]
