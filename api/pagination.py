"""Pages by a mark between two rows, so that a page neither skips nor repeats when rows are added."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError as Refusal
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

    No total is told. A mark holds values of a row that its holder saw, and is only ever compared with what the
    asker may see.
    """

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.request, self.ordering = request, tuple(view.ordering)
        size, mark = view.query.get("page_size", PAGE), view.query.get("cursor")
        backwards, values = self._read(mark, queryset.model) if mark else (False, None)
        ordering = self._reversed() if backwards else self.ordering
        if values is not None:
            queryset = queryset.filter(_beyond(ordering, values))
        rows = list(queryset.order_by(*ordering)[: size + 1])
        more, rows = len(rows) > size, rows[:size]
        if backwards:
            rows.reverse()
        self.next = self._mark(False, rows[-1]) if rows and (more or backwards) else None
        self.previous = (
            self._mark(True, rows[0]) if rows and (more if backwards else values is not None) else None
        )
        return rows

    def _reversed(self) -> tuple[str, ...]:
        return tuple(name[1:] if name.startswith("-") else f"-{name}" for name in self.ordering)

    def _mark(self, backwards: bool, row: Model) -> str:
        values = [str(getattr(row, name.lstrip("-"))) for name in self.ordering]
        mark = json.dumps([backwards, *values], separators=(",", ":")).encode()
        address = self.request.build_absolute_uri()
        return replace_query_param(address, "cursor", urlsafe_b64encode(mark).decode())

    def _read(self, mark: str, model: type[Model]) -> tuple[bool, list[Any]]:
        try:
            backwards, *texts = json.loads(urlsafe_b64decode(mark.encode("ascii")))
            fields: list[Any] = [model._meta.get_field(name.lstrip("-")) for name in self.ordering]
            if not isinstance(backwards, bool) or not all(isinstance(text, str) for text in texts):
                raise ValueError
            values = [field.to_python(text) for field, text in zip(fields, texts, strict=True)]
            if any("\x00" in text for text in texts) or any(_is_unfit(value) for value in values):
                raise ValueError
        except (ValueError, TypeError, RecursionError, Refusal) as error:
            raise exceptions.ValidationError({"cursor": ["This is no mark that a page gave."]}) from error
        return backwards, values

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"next": self.next, "previous": self.previous, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        address = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": address, "previous": address, "results": schema},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return []  # `cursor` and `page_size` are among the view's own query fields


def _is_unfit(value: Any) -> bool:
    return value is None or (isinstance(value, datetime) and is_naive(value))


def _beyond(ordering: tuple[str, ...], values: list[Any]) -> Q:
    """Rows that come after these values: later in the first field, or equal there and later in the next."""
    found, equal = Q(), Q()
    for name, value in zip(ordering, values, strict=True):
        field, comparison = name.lstrip("-"), "lt" if name.startswith("-") else "gt"
        found |= equal & Q(**{f"{field}__{comparison}": value})
        equal &= Q(**{field: value})
    return found
