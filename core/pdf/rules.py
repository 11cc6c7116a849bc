"""Rules for the values of PDF dictionaries: each returns the cleaned value, or None if the value isn't allowed."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pikepdf import Array, Dictionary, Name

if TYPE_CHECKING:
    from core.pdf.copier import Copier

MOST_NUMBERS = 200_000  # of one array
COLLECTIONS = ("Identity", "Japan1", "GB1", "CNS1", "Korea1", "KR", "UCS")  # of characters, all by Adobe

Rule = Callable[[Any, Any], Any]  # of the Copier, which only some rules use, and the value
Spec = Mapping[str, Rule]


class TooMuch(ValueError):
    """More objects, depth, bytes or instructions than any document needs."""


class Unsupported(ValueError):
    """A filter or picture that can't be decoded here."""


def number(_copier: "Copier | None", value: Any) -> Any:
    """Allow a number."""
    return value if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else None


def boolean(_copier: "Copier", value: Any) -> Any:
    """Allow true and false."""
    return value if isinstance(value, bool) else None


def numbers(_copier: "Copier | None", value: Any, *, depth: int = 2) -> Any:
    """Allow an array of numbers, or of arrays of numbers."""
    if not isinstance(value, Array) or len(value) > MOST_NUMBERS:
        return None
    found = [
        item
        if number(None, item) is not None
        else numbers(None, item, depth=depth - 1)
        if depth > 1
        else None
        for item in value
    ]
    return None if any(item is None for item in found) else Array(found)


def booleans(_copier: "Copier", value: Any) -> Any:
    """Allow an array of up to four booleans."""
    is_right = isinstance(value, Array) and len(value) <= 4 and all(isinstance(item, bool) for item in value)
    return Array(list(value)) if is_right else None


def one_of(*words: str) -> Rule:
    """Return a rule that allows these names."""
    return lambda _copier, value: value if isinstance(value, Name) and str(value)[1:] in words else None


INTENT = one_of("AbsoluteColorimetric", "RelativeColorimetric", "Saturation", "Perceptual")
LABEL = r"[\w+,.*-]{1,64}"
_LABEL = re.compile("/" + LABEL, re.ASCII)


def label(_copier: "Copier | None", value: Any) -> Any:
    """Allow a short name, as of a font, a glyph or an ink."""
    return value if isinstance(value, Name) and _LABEL.fullmatch(str(value)) else None


def dictionary(spec: Spec) -> Rule:
    """Return a rule that allows a dictionary and keeps only these keys."""
    return lambda copier, value: copier.filtered(value, spec) if isinstance(value, Dictionary) else None
