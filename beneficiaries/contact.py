"""How somebody is reached: what is safe comes with the number, wherever the number stands."""

from typing import NamedTuple

from core import phone as telephone


class Number(NamedTuple):
    """A telephone number as it was written, and the address that dials it; "" where nothing could be dialled."""

    text: str
    url: str


class Contact(NamedTuple):
    """What `components/safe_contact.html` shows."""

    safe_contact: str
    numbers: list[Number]


def contact_of(*, safe_contact: str, phone: str) -> Contact:
    """How it is safe to reach somebody, and the numbers to be shown below it."""
    try:
        numbers = [Number(number.typed, f"tel:{number.e164}") for number in telephone.read(phone)]
    except telephone.NotANumber:  # a text that was stored before numbers were checked
        numbers = [Number(phone, "")]
    return Contact(safe_contact, numbers)
