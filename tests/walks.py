"""Parameters of tests that walk everything: those in `keep` run in `make test`, the others in `make soak`."""

from collections.abc import Collection, Iterable
from typing import Any

import pytest
from django.db.models import Model


def parameters(values: Iterable[Any], *, keep: Collection[Any]) -> list[Any]:
    """Return the values for `parametrize`; those not in `keep` are marked as `walk`."""
    values = list(values)
    assert all(any(value == wanted for value in values) for wanted in keep)
    walked = (pytest.param(*value) if isinstance(value, tuple) else pytest.param(value) for value in values)
    return [
        one if value in keep else one._replace(marks=(pytest.mark.walk,))
        for value, one in zip(values, walked, strict=True)
    ]


def readable(model: type[Model]) -> str:
    """Return the model's table for a raw query over whole rows, without the columns in `never_read`."""
    unread = getattr(model, "never_read", ())
    columns = [str(field.column) for field in model._meta.concrete_fields if field.name not in unread]
    return f"(SELECT {', '.join(columns)} FROM {model._meta.db_table})"
