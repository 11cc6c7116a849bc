"""The OpenAPI document: inputs, and all possible responses."""

from functools import cache
from http import HTTPStatus
from typing import Any

from django.utils import translation
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from api.once import HEADER
from api.problems import MEDIA_TYPE

ALWAYS = (400, 401, 405, 406)
# Errors of the web server itself, without a problem body.
OF_WEB_SERVER = (414, 431)
WRITING = (403, 409, 413, 415)


class FieldProblem(serializers.Serializer):
    """What is wrong with one field."""

    field = serializers.CharField(help_text="Where: parts joined by dots; empty for the body as a whole.")
    message = serializers.CharField(help_text="What is wrong, in the requested language.")


class Problem(serializers.Serializer):
    """What went wrong, as of RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    errors = FieldProblem(many=True)  # type: ignore[assignment]  # the name that a serializer keeps its own in


class ApiSchema(AutoSchema):
    """Describes a view by its `inputs`, its responses and the problems."""

    def get_tags(self) -> list[str]:
        """Return the resource as the tag."""
        return [getattr(self.view, "path", "") or "start"]

    def get_request_serializer(self) -> Any:
        """Return the serializer of the action's input, or None."""
        inputs = getattr(self.view, "inputs", {})
        return inputs.get(getattr(self.view, "action", None)) if self.method in ("POST", "PATCH") else None

    def get_response_serializers(self) -> Any:
        """Return the serializers by status: 201 for a new row, 204 where the user may lose access to it."""
        if self.method not in ("POST", "PATCH"):
            return super().get_response_serializers()
        view: Any = self.view
        no_content = {204: None} if view.action in view.may_lose_access else {}
        return {201 if view.creates_row else 200: view.answer_resource.serializer_class, **no_content}

    def get_override_parameters(self) -> list[Any]:
        """Return query parameters of a list, and the idempotency key of a POST."""
        if self._is_list_view() and hasattr(self.view, "query_class"):
            return [self.view.query_class]
        if self.method not in ("POST", "PATCH"):
            return []
        return [
            OpenApiParameter(
                HEADER,
                {"type": "string", "format": "uuid"},
                OpenApiParameter.HEADER,
                description="The same key again is answered as the first time, and nothing is done twice.",
            )
        ]

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        """Add the problems to the operation."""
        operation = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        problem = {MEDIA_TYPE: {"schema": self.resolve_serializer(Problem, "response").ref}}
        for code in self._problems():
            operation["responses"].setdefault(
                str(code), {"description": HTTPStatus(code).phrase, "content": problem}
            )
        for code in OF_WEB_SERVER:
            operation["responses"][str(code)] = {"description": HTTPStatus(code).phrase}
        return operation

    def _problems(self) -> tuple[int, ...]:
        codes = ALWAYS + (WRITING if self.method in ("POST", "PATCH") else ())
        return (*codes, 404) if "{" in self.path else codes


@cache
def document() -> dict[str, Any]:
    """Return the whole document in English, built once a process. It contains no data."""
    with translation.override("en"):
        return SchemaGenerator().get_schema(request=None, public=True)
