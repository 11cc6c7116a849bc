"""Compiled selects: the ORM takes longer to compile a simple query than PostgreSQL to answer it.

A page with ten small queries spends half its time compiling them. Here a queryset is compiled on first use, with
markers in place of its values; later calls send the stored statement with other values. The query is still written
with the ORM, and rows become the same model objects.
"""

from collections.abc import Callable
from copy import copy
from typing import Any, cast
from uuid import UUID

from django.db import connections
from django.db.models import QuerySet
from django.db.models.query import ModelIterable

MARKER = 0x5A4A << 112  # first of a range of UUIDs that no row has: random ones have version 4


class Select:
    """A queryset that is compiled once and called with other values each time; returns a list of model objects.

    `make` is called once with `values` markers (UUIDs) and returns the queryset. Raises ValueError if a marker is not
    a parameter of the compiled statement.
    """

    def __init__(self, make: Callable[..., QuerySet], values: int = 1) -> None:
        self.make, self.values = make, values
        self._compiled: tuple[Any, str, list[tuple[int | None, Any]]] | None = None

    def __call__(self, *values: Any) -> list[Any]:
        """Run the query with these values."""
        compiler, statement, slots = self._compiled or self._compile()
        own = copy(compiler)
        own.connection = connections[compiler.using]  # each thread's own
        params = [param if index is None else values[index] for index, param in slots]
        own.as_sql = lambda: (statement, params)
        return list(ModelIterable(cast(QuerySet, _CompiledQuery(own))))

    def _compile(self) -> tuple[Any, str, list[tuple[int | None, Any]]]:
        """Compile and store the statement, with the index of its value or None for each parameter."""
        markers = [UUID(int=MARKER + number) for number in range(self.values)]
        queryset = self.make(*markers)
        compiler = queryset.query.get_compiler(queryset.db)
        statement, params = compiler.as_sql()
        indexes = {str(marker): number for number, marker in enumerate(markers)}
        slots = [(indexes.get(str(param)), param) for param in params]
        if {index for index, _param in slots} - {None} != set(indexes.values()):
            raise ValueError(f"a value has no place in {statement}")
        self._compiled = (compiler, statement, slots)
        return self._compiled


class _CompiledQuery:
    """The part of a queryset that Django's ModelIterable uses."""

    def __init__(self, compiler: Any) -> None:
        self.db, self.query, self._compiler = compiler.using, self, compiler
        self._known_related_objects: dict = {}

    def get_compiler(self, using: str) -> Any:
        return self._compiler
