"""Request bodies: JSON of limited size that the database can store."""

import json
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer

LARGEST = 256 * 1024  # bytes; the longest fields of one case together are a tenth of it


class TooLarge(APIException):
    """413: the body is too large."""

    status_code = 413
    default_detail = f"The body is larger than {LARGEST} bytes."
    default_code = "too_large"


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


class BoundedJSONParser(BaseParser):
    """Parses JSON in UTF-8. Text that PostgreSQL can't store (NUL, unpaired surrogates) is refused here."""

    media_type = "application/json"
    renderer_class = JSONRenderer

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the parsed body. Raises TooLarge or ParseError."""
        raw = stream.read(LARGEST + 1)
        if len(raw) > LARGEST:
            raise TooLarge
        try:
            found = json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant)
            json.dumps(found, ensure_ascii=False, allow_nan=False).encode("utf-8")  # 1e999 becomes infinite
            if _has_nul(found):
                raise ValueError("NUL")
        except (ValueError, RecursionError) as error:
            raise ParseError("The body is not JSON in UTF-8, or holds a NUL character.") from error
        return found


def _has_nul(value: Any) -> bool:
    """Return whether any text in the value contains NUL, keys included."""
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any(_has_nul(part) for pair in value.items() for part in pair)
    return isinstance(value, list) and any(_has_nul(part) for part in value)
