"""The OpenAPI document, and a page made from it. Neither contains data, so both are public."""

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.decorators import schema as described
from rest_framework.request import Request
from rest_framework.response import Response

from api.schema import document

METHODS = ("get", "post", "patch")


@api_view(["GET"])
@authentication_classes([])
@permission_classes([])
@described(None)
def schema(request: Request) -> Response:
    """Return the OpenAPI document."""
    return Response(document())


@require_safe
def documentation(request: HttpRequest) -> HttpResponse:
    """Show each URL with its input and output."""
    openapi = document()
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, item in openapi["paths"].items():
        for method in METHODS:
            if method in item:
                description = _operation(openapi, path, method, item[method])
                groups.setdefault(item[method]["tags"][0], []).append(description)
    return render(request, "api/docs.html", {"groups": groups, "info": openapi["info"]})


def _operation(openapi: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    answers = operation["responses"]
    good = next(code for code in answers if code.startswith("2"))
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "description": operation.get("description", ""),
        "parameters": [_parameter(openapi, given) for given in operation.get("parameters", [])],
        "takes": list(_fields(openapi, _body(operation.get("requestBody", {})))),
        "answers": list(_fields(openapi, _body(answers[good]), inside="results")),
        "good": good,
        "problems": ", ".join(code for code in answers if code != good),
    }


def _body(described: dict[str, Any]) -> dict[str, Any]:
    contents = list(described.get("content", {}).values())
    return contents[0]["schema"] if contents else {}


def _resolved(openapi: dict[str, Any], description: dict[str, Any]) -> dict[str, Any]:
    """Return a schema with its reference resolved; other keys beside the reference stay."""
    parts = [description, *description.get("allOf", [])]
    for part in parts:
        if "$ref" in part:
            return {**openapi["components"]["schemas"][part["$ref"].rsplit("/", 1)[1]], **description}
    return description


def _parameter(openapi: dict[str, Any], given: dict[str, Any]) -> dict[str, str]:
    return {
        "name": given["name"],
        "where": given["in"],
        "kind": _kind(openapi, given["schema"]),
        "about": given.get("description", ""),
    }


def _fields(
    openapi: dict[str, Any], description: dict[str, Any], prefix: str = "", inside: str = ""
) -> Iterator[dict[str, Any]]:
    """Yield each field with its path; of a list the fields of its rows."""
    description = _resolved(openapi, description)
    if inside and inside in description.get("properties", {}):
        description = _resolved(openapi, description["properties"][inside]["items"])
    for name, below in description.get("properties", {}).items():
        parts = [
            _resolved(openapi, part) for part in (below, *below.get("oneOf", []), *below.get("anyOf", []))
        ]
        nested = next((part for part in parts if "properties" in part), None)
        own = f"{prefix}{name}"
        yield {
            "name": own,
            "kind": "object" if nested else _kind(openapi, below),
            "needed": name in description.get("required", []),
            "about": below.get("description", ""),
        }
        if nested:
            yield from _fields(openapi, nested, prefix=f"{own}.")


def _kind(openapi: dict[str, Any], description: dict[str, Any]) -> str:
    """Return the type of a field in a few words: its codes where it has a list of them."""
    parts = description.get("oneOf") or description.get("anyOf")
    if parts:
        return ", ".join(dict.fromkeys(kind for part in parts if (kind := _kind(openapi, part))))
    description = _resolved(openapi, description)
    if "enum" in description:
        return ", ".join(str(code) if code not in ("", None) else "empty" for code in description["enum"])
    kinds = description.get("type", "any")
    kinds = kinds if isinstance(kinds, str) else " or ".join(kinds)
    if kinds == "array":
        return f"list of {_kind(openapi, description.get('items', {}))}"
    return f"{kinds} ({description['format']})" if "format" in description else kinds
