"""URLs of the API: each resource by UUID, never by a counter."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter
from rest_framework.routers import SimpleRouter

from api.resources import RESOURCES
from api.views.documentation import documentation, schema
from api.views.start import missing, start

app_name = "api"


class Anything(StringConverter):
    """The rest of a path, slashes and line breaks included."""

    regex = "(?s:.+)"


register_converter(Anything, "anything")

router = SimpleRouter(use_regex_path=False)
for resource in RESOURCES:
    router.register(resource.path, resource, basename=resource.noun)

urlpatterns = [
    path("", start, name="start"),
    path("schema/", schema, name="schema"),
    path("docs/", documentation, name="docs"),
    *router.urls,
    path("<anything:rest>", missing, name="missing"),
]
