"""What rows of several tables point to, from one question.

A join a table would be planned, read and made into objects each time; a page that shows six tables with the
names of a few people asks for those people once.
"""

from collections.abc import Iterable
from functools import cache

from django.db.models import Model

from core.statements import Select


@cache
def _by_key(model: type[Model]) -> Select:
    return Select(lambda keys: model._default_manager.filter(pk__any_of=keys).order_by())


def fill_in(model: type[Model], *wanted: tuple[Iterable[Model], str]) -> None:
    """Set the foreign key of that name, to rows of `model`, on all of the rows, from one question or from none."""
    slots = [
        (row, name, key)
        for rows, name in wanted
        for row in rows
        if (key := getattr(row, f"{name}_id")) is not None
    ]
    if not slots:
        return
    by_key = {row.pk: row for row in _by_key(model)(sorted({key for _row, _name, key in slots}))}
    for row, name, key in slots:
        setattr(row, name, by_key[key])
