"""The schema for programs, and a page made from it for people: neither holds data, so both are open."""

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

METHODS = ("get", "post")


@api_view(["GET"])
@authentication_classes([])
@permission_classes([])
@described(None)
def schema(request: Request) -> Response:
    """The OpenAPI document."""
    return Response(document())


@require_safe
def documentation(request: HttpRequest) -> HttpResponse:
    """Every address, what it takes and what it answers."""
    made = document()
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, item in made["paths"].items():
        for method in METHODS:
            if method in item:
                told = _operation(made, path, method, item[method])
                groups.setdefault(item[method]["tags"][0], []).append(told)
    return render(request, "api/docs.html", {"groups": groups, "info": made["info"]})


def _operation(made: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    answers = operation["responses"]
    good = next(code for code in answers if code.startswith("2"))
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "description": operation.get("description", ""),
        "parameters": [_parameter(made, given) for given in operation.get("parameters", [])],
        "takes": list(_fields(made, _body(operation.get("requestBody", {})))),
        "answers": list(_fields(made, _body(answers[good]), inside="results")),
        "good": good,
        "problems": ", ".join(code for code in answers if code != good),
    }


def _body(described: dict[str, Any]) -> dict[str, Any]:
    contents = list(described.get("content", {}).values())
    return contents[0]["schema"] if contents else {}


def _resolved(made: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    """A schema with the one that it refers to in its place; what stands beside the reference stays."""
    parts = [told, *told.get("allOf", [])]
    for part in parts:
        if "$ref" in part:
            return {**made["components"]["schemas"][part["$ref"].rsplit("/", 1)[1]], **told}
    return told


def _parameter(made: dict[str, Any], given: dict[str, Any]) -> dict[str, str]:
    return {
        "name": given["name"],
        "where": given["in"],
        "kind": _kind(made, given["schema"]),
        "about": given.get("description", ""),
    }


def _fields(
    made: dict[str, Any], told: dict[str, Any], way: str = "", inside: str = ""
) -> Iterator[dict[str, Any]]:
    """Each field with the way to it; of a list the fields of its rows."""
    told = _resolved(made, told)
    if inside and inside in told.get("properties", {}):
        told = _resolved(made, told["properties"][inside]["items"])
    for name, below in told.get("properties", {}).items():
        parts = [_resolved(made, part) for part in (below, *below.get("oneOf", []), *below.get("anyOf", []))]
        nested = next((part for part in parts if "properties" in part), None)
        own = f"{way}{name}"
        yield {
            "name": own,
            "kind": "object" if nested else _kind(made, below),
            "needed": name in told.get("required", []),
            "about": below.get("description", ""),
        }
        if nested:
            yield from _fields(made, nested, way=f"{own}.")


def _kind(made: dict[str, Any], told: dict[str, Any]) -> str:
    """A field's kind in a few words: its codes where it has a list of them."""
    parts = told.get("oneOf") or told.get("anyOf")
    if parts:
        return ", ".join(dict.fromkeys(kind for part in parts if (kind := _kind(made, part))))
    told = _resolved(made, told)
    if "enum" in told:
        return ", ".join(str(code) if code not in ("", None) else "empty" for code in told["enum"])
    kinds = told.get("type", "any")
    kinds = kinds if isinstance(kinds, str) else " or ".join(kinds)
    if kinds == "array":
        return f"list of {_kind(made, told.get('items', {}))}"
    return f"{kinds} ({told['format']})" if "format" in told else kinds
