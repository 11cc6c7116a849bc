"""Loading the rows that several tables point to in one query.

With `select_related` each table's query would join, read and build the same objects; a page that shows six tables with
the names of a few users loads these users once.
"""

from collections.abc import Iterable
from functools import cache

from django.db.models import Model

from core.statements import Select


@cache
def _by_id(model: type[Model]) -> Select:
    return Select(lambda ids: model._default_manager.filter(pk__any_of=ids).order_by())


def fill_in(model: type[Model], *wanted: tuple[Iterable[Model], str]) -> None:
    """Set foreign keys to `model` on given rows with at most one query; `wanted` are (rows, field name)."""
    slots = [
        (row, name, row_id)
        for rows, name in wanted
        for row in rows
        if (row_id := getattr(row, f"{name}_id")) is not None
    ]
    if not slots:
        return
    by_id = {row.pk: row for row in _by_id(model)(sorted({row_id for _row, _name, row_id in slots}))}
    for row, name, row_id in slots:
        setattr(row, name, by_id[row_id])
