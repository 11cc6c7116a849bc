"""Keyset pagination: a cursor between two rows, so that pages neither skip nor repeat rows that are added."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import Model, Q
from django.utils.timezone import is_naive
from rest_framework import exceptions
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

PAGE, LARGEST_PAGE = 50, 200


class KeysetPagination(BasePagination):
    """Rows after, or before, the values of one row in the view's ordering, whose last field is unique.

    There is no total. A cursor contains values of a row that the client saw, and is only compared with rows that the
    user may see.
    """

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        """Return the rows of the page that the cursor names, and set `next` and `previous`."""
        self.request, self.ordering = request, tuple(view.ordering)
        size, cursor = view.query.get("page_size", PAGE), view.query.get("cursor")
        backwards, values = self._read(cursor, queryset.model) if cursor else (False, None)
        ordering = self._reversed() if backwards else self.ordering
        if values is not None:
            queryset = queryset.filter(_beyond(ordering, values))
        rows = list(queryset.order_by(*ordering)[: size + 1])
        more, rows = len(rows) > size, rows[:size]
        if backwards:
            rows.reverse()
        self.next = self._url(False, rows[-1]) if rows and (more or backwards) else None
        self.previous = (
            self._url(True, rows[0]) if rows and (more if backwards else values is not None) else None
        )
        return rows

    def _reversed(self) -> tuple[str, ...]:
        return tuple(name[1:] if name.startswith("-") else f"-{name}" for name in self.ordering)

    def _url(self, backwards: bool, row: Model) -> str:
        values = [str(getattr(row, name.lstrip("-"))) for name in self.ordering]
        cursor = json.dumps([backwards, *values], separators=(",", ":")).encode()
        address = self.request.build_absolute_uri()
        return replace_query_param(address, "cursor", urlsafe_b64encode(cursor).decode())

    def _read(self, cursor: str, model: type[Model]) -> tuple[bool, list[Any]]:
        try:
            backwards, *texts = json.loads(urlsafe_b64decode(cursor.encode("ascii")))
            fields: list[Any] = [model._meta.get_field(name.lstrip("-")) for name in self.ordering]
            if not isinstance(backwards, bool) or not all(isinstance(text, str) for text in texts):
                raise ValueError
            values = [field.to_python(text) for field, text in zip(fields, texts, strict=True)]
            if any("\x00" in text for text in texts) or any(_is_invalid(value) for value in values):
                raise ValueError
        except (ValueError, TypeError, RecursionError, DjangoValidationError) as error:
            raise exceptions.ValidationError(
                {"cursor": ["This is not a cursor from `next` or `previous`."]}
            ) from error
        return backwards, values

    def get_paginated_response(self, data: Any) -> Response:
        """Return the rows with the URLs of the next and the previous page."""
        return Response({"next": self.next, "previous": self.previous, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return the schema of a page."""
        address = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": address, "previous": address, "results": schema},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Return none: `cursor` and `page_size` are fields of the view's query serializer."""
        return []


def _is_invalid(value: Any) -> bool:
    return value is None or (isinstance(value, datetime) and is_naive(value))


def _beyond(ordering: tuple[str, ...], values: list[Any]) -> Q:
    """Return rows that come after these values: later in the first field, or equal there and later in the next."""
    found, equal = Q(), Q()
    for name, value in zip(ordering, values, strict=True):
        field, comparison = name.lstrip("-"), "lt" if name.startswith("-") else "gt"
        found |= equal & Q(**{f"{field}__{comparison}": value})
        equal &= Q(**{field: value})
    return found
