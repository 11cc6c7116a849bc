"""Names of people, organisations and places: a normal form for storing, and one for searching.

Keyboards, phones and web pages leave invisible characters in names: joiners, direction marks, zero-width spaces. Two
names that look the same must be equal.
"""

import re
import unicodedata
from typing import Any, Literal

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

# Invisible characters, as a character class for Python and PostgreSQL: controls, soft hyphen, direction marks,
# variation selectors, fillers, zero-width spaces.
INVISIBLE = (
    r"\u0001-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f"
    r"\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff"
)
JOINERS = r"\u200c\u200d"
BLANKS = r"\u0020\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_INVISIBLE = re.compile(rf"[\x00{INVISIBLE}\ud800-\udfff]")
# A joiner changes the shape after a virama (र्‍य) and between Arabic letters; elsewhere it has no effect.
_IDLE_JOINERS = re.compile(rf"(?<![\u094d\u0620-\u06d3])[{JOINERS}]+|[{JOINERS}]+(?!\w)")
_JOINERS = re.compile(rf"[{JOINERS}]")
_SEEN = frozenset("LNPS")  # categories of visible characters: letters, numbers, punctuation, symbols

MOST_MARKS = 30  # on one letter, Unicode's limit for stream-safe text; no script uses a third of that
_HALF_WIDTH_MARKS = "\uff9e\uff9f"  # letters that become marks in the search form


def has_too_many_marks(text: str) -> bool:
    """Return whether a letter has more than `MOST_MARKS` combining marks."""
    run = 0
    for sign in "" if text.isascii() else text:
        is_mark = unicodedata.category(sign)[0] == "M" or sign in _HALF_WIDTH_MARKS
        run = run + 1 if is_mark else 0
        if run > MOST_MARKS:
            return True
    return False


def check_marks(text: str) -> None:
    """Raise ValidationError if a letter has more than `MOST_MARKS` combining marks."""
    if has_too_many_marks(text):
        raise ValidationError(_("One letter has too many marks on it."))


def normalized(text: str, form: Literal["NFC", "NFKC", "NFKD"] = "NFC") -> str:
    """Return the text in a Unicode normal form; unchanged if it has too many marks: sorting n takes n² steps."""
    return text if has_too_many_marks(text) else unicodedata.normalize(form, text)


def tidy(text: str) -> str:
    """Return the name as it is stored: NFC, single spaces, no invisible characters; "" if nothing visible is left."""
    text = _INVISIBLE.sub("", " ".join(text.split()))
    text = normalized(" ".join(_IDLE_JOINERS.sub("", text).split()))
    return text if is_seen(text) else ""


def is_seen(text: str) -> bool:
    """Whether anything of the text can be seen; asked of its first signs alone, mostly."""
    return any(
        unicodedata.category(sign)[0] in _SEEN and not _INVISIBLE.match(sign)  # fillers are letters
        for sign in text
    )


def key(text: str) -> str:
    """Return the form that names are searched by: as stored, without case, joiners and width variants."""
    folded = normalized(_JOINERS.sub("", tidy(text)), "NFKC").casefold()
    return normalized(folded, "NFKC")


class NameField(models.CharField):
    """A name, tidied whenever it is cleaned, saved or searched; a name without visible characters is empty."""

    default_error_messages = {"blank": _("Write the name: what you typed shows no letters.")}
    default_validators = [check_marks]

    def to_python(self, value: Any) -> Any:
        """Tidy the name."""
        found = super().to_python(value)
        return tidy(found) if isinstance(found, str) else found

    def get_prep_value(self, value: Any) -> Any:
        """Tidy the name."""
        found = super().get_prep_value(value)
        return tidy(found) if isinstance(found, str) else found

    def deconstruct(self) -> Any:
        """Appear as a CharField in migrations, as the column is the same."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs
