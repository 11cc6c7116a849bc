"""Names of people, organisations and places: one form for what is stored, and one for what is looked for.

Keyboards, phones and web pages leave signs in a name that nobody sees: joiners, marks of direction, blanks without
width. Two names that look the same must be the same.
"""

import re
import unicodedata
from typing import Any, Literal

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

# Signs without a picture of their own, as Python and PostgreSQL both read them between brackets: controls, soft hyphen,
# marks of direction and variation, fillers, blanks without width.
INVISIBLE = (
    r"\u0001-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f"
    r"\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff"
)
JOINERS = r"\u200c\u200d"
BLANKS = r"\u0020\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_INVISIBLE = re.compile(rf"[\x00{INVISIBLE}\ud800-\udfff]")
# A joiner shapes letters after a virama (र्‍य) and between letters of Arabic script; elsewhere it does nothing.
_IDLE_JOINERS = re.compile(rf"(?<![\u094d\u0620-\u06d3])[{JOINERS}]+|[{JOINERS}]+(?!\w)")
_JOINERS = re.compile(rf"[{JOINERS}]")
_SEEN = frozenset("LNPS")  # letters, numbers, punctuation, symbols: what has a picture of its own

MOST_MARKS = 30  # on one letter, as Unicode's stream-safe text has it; no script writes a third of them
_HALF_WIDTH_MARKS = "\uff9e\uff9f"  # letters that become marks in the form a name is found by


def has_too_many_marks(text: str) -> bool:
    """Whether more marks stand on one letter than anybody writes."""
    run = 0
    for sign in "" if text.isascii() else text:
        is_mark = unicodedata.category(sign)[0] == "M" or sign in _HALF_WIDTH_MARKS
        run = run + 1 if is_mark else 0
        if run > MOST_MARKS:
            return True
    return False


def check_marks(text: str) -> None:
    """Refuse a text with more marks on one letter than anybody writes."""
    if has_too_many_marks(text):
        raise ValidationError(_("One letter has too many marks on it."))


def normalized(text: str, form: Literal["NFC", "NFKC", "NFKD"] = "NFC") -> str:
    """The text in one Unicode form. One with too many marks stays as it is: to order n of them takes n² steps."""
    return text if has_too_many_marks(text) else unicodedata.normalize(form, text)


def tidy(text: str) -> str:
    """Return the name as it is stored: composed, one blank between words, no sign that can't be seen.

    "" where nothing of it can be seen.
    """
    text = _INVISIBLE.sub("", " ".join(text.split()))
    text = normalized(" ".join(_IDLE_JOINERS.sub("", text).split()))
    return text if any(unicodedata.category(sign)[0] in _SEEN for sign in text) else ""


def key(text: str) -> str:
    """Return what a name is found by: as stored, without case, joiners and forms of width."""
    folded = normalized(_JOINERS.sub("", tidy(text)), "NFKC").casefold()
    return normalized(folded, "NFKC")


class NameField(models.CharField):
    """A name: tidied whenever it is cleaned, saved or looked for; one that can't be seen is an empty one."""

    default_error_messages = {"blank": _("Write the name: what you typed shows no letters.")}
    default_validators = [check_marks]

    def to_python(self, value: Any) -> Any:
        found = super().to_python(value)
        return tidy(found) if isinstance(found, str) else found

    def get_prep_value(self, value: Any) -> Any:
        found = super().get_prep_value(value)
        return tidy(found) if isinstance(found, str) else found

    def deconstruct(self) -> Any:
        """The column is that of a CharField: migrations needn't know more."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs
