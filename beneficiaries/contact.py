"""How to contact a beneficiary: safe contact advice is shown wherever a telephone number is."""

from typing import NamedTuple

from core import phone as telephone


class Number(NamedTuple):
    """A telephone number as it was typed, and its `tel:` URL; "" where it can't be dialled."""

    text: str
    url: str


class Contact(NamedTuple):
    """Safe contact advice and numbers, as `components/safe_contact.html` shows them."""

    safe_contact: str
    numbers: list[Number]


def contact_of(*, safe_contact: str, phone: str) -> Contact:
    """Return the contact for stored text; a text that isn't a valid number is shown, but not linked."""
    try:
        numbers = [Number(number.typed, f"tel:{number.e164}") for number in telephone.read(phone)]
    except telephone.NotANumber:  # a text that was stored before numbers were checked
        numbers = [Number(phone, "")]
    return Contact(safe_contact, numbers)
