"""Telephone numbers: one form for all ways of writing one, and an index that finds a whole number and no part of it."""

import phonenumbers

from core import encryption

COUNTRY = "NP"  # of a number without its country


def e164(text: str) -> str:
    """`+9779801234567` for any way of writing it; the digits alone where it is no number that could exist."""
    try:
        number = phonenumbers.parse(text, COUNTRY)
    except phonenumbers.NumberParseException:
        return _digits(text)
    if not phonenumbers.is_possible_number(number):
        return _digits(text)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _digits(text: str) -> str:
    return "".join(sign for sign in text if sign.isdigit())


def phone_index(text: str) -> bytes | None:
    """What a number is found by; None where there is none."""
    number = e164(text)
    return encryption.blind(number, of="phone") if number else None


def phone_indexes(text: str) -> list[bytes]:
    """The same under each key of the house."""
    number = e164(text)
    return encryption.blinds(number, of="phone") if number else []
