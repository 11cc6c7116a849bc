"""Parameters of tests that walk everything: the kept ones run in `make test`, the others in `make soak`."""

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def parameters(values: Iterable[Any], *, keep: Collection[Any]) -> list[Any]:
    """The values for `parametrize`; those that aren't kept are marked as a walk."""
    values = list(values)
    assert all(any(value == kept for value in values) for kept in keep)
    walked = (pytest.param(*value) if isinstance(value, tuple) else pytest.param(value) for value in values)
    return [
        one if value in keep else one._replace(marks=(pytest.mark.walk,))
        for value, one in zip(values, walked, strict=True)
    ]
