"""The first address, and every address that isn't one."""

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
    """The resources, each with its address."""
    addresses = {kind.path: reverse(f"api:{kind.noun}-list", request=request) for kind in RESOURCES}
    return Response(addresses)


@api_view(["GET", "POST"])
@schema(None)
def missing(request: Request, rest: str) -> Response:
    """An address under `/api/v1/` that leads nowhere is told as every other problem is."""
    if "\x00" in rest:
        raise ParseError("The address holds a NUL character.")
    raise Http404
