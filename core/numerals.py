"""Parsing numbers typed in Latin or Devanagari digits, and formatting amounts."""

import re
from decimal import Decimal

from django.utils.formats import number_format
from django.utils.translation import gettext as _

LARGEST_AMOUNT = 10  # digits before the point
LARGEST_COUNT = 9  # digits
_TO_LATIN = str.maketrans("०१२३४५६७८९", "0123456789")
# Plain, grouped by lakh (1,00,000) or by thousand (100,000); another comma may be a decimal point, so it is refused.
_WHOLE = r"[0-9]+|[0-9]{1,2}(?:,[0-9]{2})*,[0-9]{3}|[0-9]{1,3}(?:,[0-9]{3})+"
_AMOUNT = re.compile(rf"(-?)({_WHOLE})(?:\.([0-9]+))?")


class NotANumber(ValueError):
    """The text is no amount or count; the message is for the user, translated."""


def latin_digits(text: str) -> str:
    """Return the text with Devanagari digits replaced by Latin ones."""
    return text.translate(_TO_LATIN)


def amount_of(text: str, *, most: int = LARGEST_AMOUNT) -> Decimal:
    """Parse rupees and paisa: `60000.50`, `1,00,000`, `६०,०००`, at most `most` digits before the point.

    Raises NotANumber.
    """
    found = _AMOUNT.fullmatch(latin_digits(text.strip()))
    if found is None:
        raise NotANumber(_("Write the amount in digits, such as 60,000 or 60000.50."))
    sign, whole, paisa = found.groups(default="")
    if sign:
        raise NotANumber(_("The amount can’t be below 0."))
    if len(paisa) > 2:
        raise NotANumber(_("Write at most two digits after the point: there are 100 paisa in a rupee."))
    whole = whole.replace(",", "").lstrip("0") or "0"
    if len(whole) > most:
        raise NotANumber(_("The amount is too large."))
    return Decimal(f"{whole}.{paisa or '0'}")


def number_of(text: str) -> int | float:
    """Parse any number, such as `-12.5`, `1,000` or `१२`; an int if it is whole. Raises NotANumber."""
    found = _AMOUNT.fullmatch(latin_digits(text.strip()))
    if found is None:
        raise NotANumber(_("Write a number in digits, such as 12 or 12.5."))
    number = Decimal(found[0].replace(",", ""))
    return int(number) if number == int(number) else float(number)


def count_of(text: str) -> int:
    """Parse a whole number from 0 up, such as `12`, `1,000` or `१२`. Raises NotANumber."""
    found = _AMOUNT.fullmatch(latin_digits(text.strip()))
    if found is None or found[1] or found[3] is not None or len(found[2]) > LARGEST_COUNT:
        raise NotANumber(_("Write a whole number, such as 12."))
    return int(found[2].replace(",", ""))


def shown_amount(amount: Decimal | int) -> str:
    """Return the amount as pages show it: grouped as in the user's language, paisa only if there are any."""
    return number_format(amount, 0 if amount == int(amount) else 2, use_l10n=True, force_grouping=True)
