"""Selects that are written once: the ORM takes longer to write a simple one than PostgreSQL to answer it.

A page that asks ten small questions spends half its time in writing them. Here a queryset is compiled the first
time, with markers where its values go; after that the kept statement is sent with other values. What is selected,
and in which order, is still said in the ORM's words, and rows become the same model objects.
"""

from collections.abc import Callable
from copy import copy
from typing import Any, cast
from uuid import UUID

from django.db import connections
from django.db.models import Field, ForeignObject, Lookup, QuerySet
from django.db.models.query import ModelIterable

MARKER = 0x5A4A << 112  # keys that no row has: a random one is marked as version 4


@Field.register_lookup
@ForeignObject.register_lookup  # a foreign key looks no further than this class
class AnyOf(Lookup):
    """`= ANY(array)`: one statement for any number of values, where `IN` is another for each number."""

    lookup_name = "any_of"
    prepare_rhs = False

    def get_db_prep_lookup(self, value: Any, connection: Any) -> tuple[str, Any]:
        return "%s", [value]

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        return f"{left} = ANY({right})", [*left_params, *right_params]


class Select:
    """The rows of a queryset of models, its values given anew each time.

    `make` is called once, with as many markers (keys, or their text) as there are values, and gives the queryset.
    """

    def __init__(self, make: Callable[..., QuerySet], values: int = 1) -> None:
        self.make, self.values = make, values
        self._written: tuple[Any, str, list[tuple[int | None, Any]]] | None = None

    def __call__(self, *values: Any) -> list[Any]:
        compiler, statement, slots = self._written or self._write()
        sent = copy(compiler)
        sent.connection = connections[compiler.using]  # each thread's own
        given = [param if place is None else values[place] for place, param in slots]
        sent.as_sql = lambda: (statement, given)
        return list(ModelIterable(cast(QuerySet, _Asked(sent))))

    def _write(self) -> tuple[Any, str, list[tuple[int | None, Any]]]:
        markers = [UUID(int=MARKER + number) for number in range(self.values)]
        queryset = self.make(*markers)
        compiler = queryset.query.get_compiler(queryset.db)
        statement, params = compiler.as_sql()
        places = {str(marker): number for number, marker in enumerate(markers)}
        slots = [(places.get(str(param)), param) for param in params]
        if {place for place, _param in slots} - {None} != set(places.values()):
            raise ValueError(f"a value has no place in {statement}")
        self._written = (compiler, statement, slots)
        return self._written


class _Asked:
    """What Django's own iterable asks of a queryset."""

    def __init__(self, compiler: Any) -> None:
        self.db, self.query, self._compiler = compiler.using, self, compiler
        self._known_related_objects: dict = {}

    def get_compiler(self, using: str) -> Any:
        return self._compiler
