"""Registering and using passkeys through allauth: the options for the browser, and checking its answer.

The challenge is stored in the session; an answer to another session's challenge is wrong.
"""

import json
from typing import Any, NamedTuple

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth
from django.core.exceptions import ValidationError

from accounts.models import User


class Answer(NamedTuple):
    """A passkey that gave a right answer, and a text that identifies the answer, so that it is used only once."""

    passkey: Authenticator
    proof: str


def registration_options(user) -> str:
    """Return as JSON what the browser needs to create a passkey for this user."""
    return json.dumps(auth.begin_registration(user, passwordless=False), default=dict)


def is_registered(credential: dict[str, Any]) -> bool:
    """Return whether the credential answers this session's challenge for a new passkey."""
    try:
        auth.parse_registration_response(credential)
        auth.complete_registration(credential)
    except (ValidationError, ValueError, TypeError, KeyError, AttributeError):
        return False  # malformed
    return True


def authentication_options(user: User) -> str:
    """Return as JSON what the browser needs to use one of this user's passkeys."""
    return json.dumps(auth.begin_authentication(user), default=dict)


def verify_answer(user: User, response: Any) -> Answer | None:
    """Return the passkey with which this user answered this session's challenge; None for a wrong answer."""
    state = auth.get_state() or {}
    try:
        auth.parse_authentication_response(response)
        passkey = auth.complete_authentication(user, response)
    except (ValidationError, ValueError, TypeError, KeyError, AttributeError):
        return None  # malformed
    return Answer(passkey, f"passkey:{str(state.get('challenge', ''))[:64]}")
