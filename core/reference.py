"""Case references for reading out on the telephone: random, with a check character."""

import secrets

from core.numerals import latin_digits

# 31 characters, a prime number, without those that are easily misread: I, L, O, U and 0.
SIGNS = "123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 7


def _check(body: str) -> str:
    """Return the check character, a weighted sum modulo 31: detects any wrong character and any swap of two."""
    return SIGNS[sum((index + 2) * SIGNS.index(sign) for index, sign in enumerate(body)) % len(SIGNS)]


def make() -> str:
    """Return a random reference such as `K7QM-4XW-T`, one of 27 thousand million."""
    body = "".join(secrets.choice(SIGNS) for _ in range(LENGTH))
    return f"{body[:4]}-{body[4:]}-{_check(body)}"


def tidy(text: str) -> str | None:
    """Return the reference as stored, from what was typed; None if it can't be one."""
    signs = "".join(latin_digits(text).upper().split()).replace("-", "")
    if len(signs) != LENGTH + 1 or any(sign not in SIGNS for sign in signs):
        return None
    body = signs[:LENGTH]
    return f"{body[:4]}-{body[4:]}-{signs[-1]}" if _check(body) == signs[-1] else None
