"""User names of new users."""

import re
import secrets
from dataclasses import dataclass

from accounts.models import User
from core import names

TAIL, TAIL_LENGTH = "abcdefghjkmnpqrstuvwxyz23456789", 5  # of a user name; no easily misread characters


def fresh_username(first_name: str) -> str:
    """Return an unused user name: the first name with a random tail, so nobody learns that a name is taken."""
    folded = names.normalized(first_name, "NFKD").encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z]", "", folded)[:20] or "user"
    while True:
        name = f"{stem}-{''.join(secrets.choice(TAIL) for _number in range(TAIL_LENGTH))}"
        if not User.objects.named(name).exists():
            return name


@dataclass(frozen=True)
class NewUser:
    """A focal point's data about a new user. The user name is generated: a taken one would reveal who exists."""

    first_name: str
    last_name: str
    email: str
    language: str
