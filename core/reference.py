"""References that people read out on the telephone: random, never counted, with a check character."""

import secrets

from core.numerals import latin_digits

# 31 signs, a prime, without those that are misread: I, L, O, U and 0.
SIGNS = "123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 7


def _check(body: str) -> str:
    """Weighted sum modulo 31: finds every single wrong sign and every swap of two."""
    return SIGNS[sum((place + 2) * SIGNS.index(sign) for place, sign in enumerate(body)) % len(SIGNS)]


def make() -> str:
    """A new reference such as `K7QM-4XW-T`: 27 thousand million possible ones."""
    body = "".join(secrets.choice(SIGNS) for _ in range(LENGTH))
    return f"{body[:4]}-{body[4:]}-{_check(body)}"


def tidy(text: str) -> str | None:
    """The reference as stored, from what somebody typed; None where it can't be one."""
    signs = "".join(latin_digits(text).upper().split()).replace("-", "")
    if len(signs) != LENGTH + 1 or any(sign not in SIGNS for sign in signs):
        return None
    body = signs[:LENGTH]
    return f"{body[:4]}-{body[4:]}-{signs[-1]}" if _check(body) == signs[-1] else None
