"""What rows of several tables point to, from one question.

A join a table would be planned, read and made into objects each time; a page that shows six tables with the
names of a few people asks for those people once.
"""

from collections.abc import Iterable

from django.db.models import Model, QuerySet


def fill_in(found: QuerySet, *wanted: tuple[Iterable[Model], str]) -> None:
    """Set the foreign key of that name on all of the rows, from one question to `found`, or from none."""
    slots = [
        (row, name, key)
        for rows, name in wanted
        for row in rows
        if (key := getattr(row, f"{name}_id")) is not None
    ]
    by_key = found.in_bulk({key for _row, _name, key in slots})
    for row, name, key in slots:
        setattr(row, name, by_key[key])
