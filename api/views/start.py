"""The root of the API, and its 404."""

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view, schema
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from api.resources import RESOURCES


@extend_schema(
    responses={200: {"type": "object", "additionalProperties": {"type": "string", "format": "uri"}}}
)
@api_view(["GET"])
def start(request: Request) -> Response:
    """List the resources with their URLs."""
    addresses = {
        resource.path: reverse(f"api:{resource.noun}-list", request=request) for resource in RESOURCES
    }
    return Response(addresses)


@api_view(["GET", "POST"])
@schema(None)
def missing(request: Request, rest: str) -> Response:
    """Answer 404 for unknown URLs of the API."""
    if "\x00" in rest:
        raise ParseError("The address holds a NUL character.")
    raise Http404
