"""Telephone numbers: parsing all numbers in a field or cell, and a blind index that finds whole numbers only."""

import re
import unicodedata
from dataclasses import dataclass

import phonenumbers
from django.utils.translation import gettext as _

from core import encryption, names

COUNTRY = "NP"  # of a number without its country
MOST_NUMBERS = 3  # in one field, each with an index column
_BETWEEN = re.compile(r"[/,;|&\n]|(?<!\S)(?:or|and|वा|अथवा|र)(?!\S)", re.IGNORECASE)
_SHAPE = re.compile(r"\+?[0-9(][0-9 ().-]*")
_WHOLE = re.compile(r"([0-9]{6,})\.0+")  # how a spreadsheet writes a whole number as text
_FRACTION = re.compile(r"[0-9]{6,}\.[0-9]+")
_SHORTENED = re.compile(r"[0-9.]+E\+?[0-9]+", re.IGNORECASE)
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—−", "-"))


class NotANumber(ValueError):
    """A part of the text is no telephone number; the message is for the user and says what to write."""


@dataclass(frozen=True)
class Number:
    """One number as it was written, and in E.164 form (`+9779841234567`)."""

    typed: str
    e164: str


def read(text: str) -> list[Number]:
    """Return the different numbers in a text. Raises NotANumber if any part of it is none."""
    found: dict[str, Number] = {}
    for part in _BETWEEN.split(text):
        for number in _numbers(names.tidy(part)):
            found.setdefault(number.e164, number)
    if len(found) > MOST_NUMBERS:
        raise NotANumber(
            _("At most %(most)s telephone numbers. Write the others in the box about safe contact.")
            % {"most": MOST_NUMBERS}
        )
    return list(found.values())


def tidy(text: str) -> str:
    """Return the numbers as they are stored: as written, separated by commas. Raises NotANumber."""
    return ", ".join(number.typed for number in read(text))


def _numbers(part: str) -> list[Number]:
    """Return the number in a part of a text, or several that only a space separates. Raises NotANumber."""
    if not part:
        return []
    latin = _latin(part)
    whole = _WHOLE.fullmatch(latin)
    if whole:
        part = latin = whole[1]
    if _SHORTENED.fullmatch(latin):
        raise NotANumber(
            _("“%(text)s” is a number that a spreadsheet has shortened. Type all its digits, as text.")
            % {"text": part[:40]}
        )
    if _SHAPE.fullmatch(latin) and not _FRACTION.fullmatch(latin):
        one = _e164(latin)
        if one:
            return [Number(part, one)]
        several = [(word, _e164(_latin(word))) for word in part.split()]
        if len(several) > 1 and all(number for _word, number in several):
            return [Number(word, number) for word, number in several]
    raise NotANumber(
        _(
            "“%(text)s” is not a telephone number. Write digits, such as 9841234567 or +974 "
            "55123456, and a comma between two numbers."
        )
        % {"text": part[:40]}
    )


def _latin(text: str) -> str:
    """Return the text with digits of any script as 0 to 9, and every dash as a hyphen."""
    digits = (str(unicodedata.decimal(sign, sign)) for sign in text)
    return "".join(digits).translate(_DASHES)


def _e164(text: str) -> str:
    """Return the E.164 form of a number; "" if it is no possible number."""
    try:
        number = phonenumbers.parse(text, COUNTRY)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def e164s(text: str) -> list[str]:
    """Return the E.164 form of each number; of a text stored before numbers were checked only its digits."""
    try:
        return [number.e164 for number in read(text)]
    except NotANumber:
        return list(filter(None, ["".join(sign for sign in _latin(text) if sign in "0123456789")]))


def phone_indexes(text: str) -> list[bytes | None]:
    """Return the blind index of each number under the newest key, padded with None to `MOST_NUMBERS`."""
    found = [encryption.blind(number, of="phone") for number in e164s(text)]
    return [*found, *[None] * (MOST_NUMBERS - len(found))]


def phone_index(text: str) -> bytes | None:
    """Return the blind index of the first number of a text; None if there is none."""
    return phone_indexes(text)[0]


def phone_indexes_sought(text: str) -> list[bytes]:
    """Return the blind indexes under each of the site's keys, as rows may still have an older key's."""
    return [index for number in e164s(text) for index in encryption.blinds(number, of="phone")]
