"""Numbers of identity documents: how they are stored, what is unusual about one, and the index that finds it."""

import re
import unicodedata

from django.utils.translation import gettext as _

from beneficiaries.choices import IdentityKind
from core import encryption, names

LONGEST_NUMBER = 40
_OF = "identity number"  # the kind of its blind index
_USUAL = {
    IdentityKind.CITIZENSHIP: re.compile(r"[0-9]{11}"),  # 27-01-70-12345
    IdentityKind.PASSPORT: re.compile(r"(?=.{8,9}$)[A-Z]{0,2}[0-9]+"),
    IdentityKind.NATIONAL_ID: re.compile(r"[0-9]{10}"),
}


def bare(text: str) -> str:
    """Return the letters and digits of a number, by which it is found: capitals, and digits of any script as 0 to 9."""
    signs = names.normalized(text, "NFKC").upper()
    digits = (str(unicodedata.decimal(sign, sign)) for sign in signs)
    return "".join(sign for sign in digits if unicodedata.category(sign)[0] in "LNM")


def problem(number: str) -> str:
    """Return why this can't be the number of a document; "" where it can."""
    if number and not any(sign.isdecimal() for sign in number):
        return _("“%(text)s” has no digit. Write the number as it is on the document.") % {
            "text": number[:LONGEST_NUMBER]
        }
    return ""


def doubt(kind: str, number: str) -> str:
    """Return a question where the number doesn't look like those of this kind of document; "" where it does."""
    usual = _USUAL.get(IdentityKind(kind))
    if not number or usual is None or usual.fullmatch(bare(number)):
        return ""
    return {
        IdentityKind.CITIZENSHIP: _(
            "A citizenship number usually has 11 digits, such as 27-01-70-12345. Is it right like this?"
        ),
        IdentityKind.PASSPORT: _(
            "A passport number usually has 8 or 9 letters and digits, such as PA1234567. Is it right like this?"
        ),
    }.get(
        IdentityKind(kind),
        _("The number of a national identity card usually has 10 digits. Is it right like this?"),
    )


def number_index(number: str) -> bytes | None:
    """Return the blind index of a number under the newest key; None for no number."""
    sought = bare(number)
    return encryption.blind(sought, of=_OF) if sought else None


def number_indexes_sought(text: str) -> list[bytes]:
    """Return the blind indexes under each of the site's keys, as rows may still have an older key's."""
    sought = bare(text)
    return encryption.blinds(sought, of=_OF) if sought else []
