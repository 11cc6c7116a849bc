"""The ceremonies of passkeys, through allauth: what a browser is asked, and whether its answer is right.

The question stands in the session; an answer to another session's question is none.
"""

import json
from typing import Any, NamedTuple

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth
from django.core.exceptions import ValidationError

from accounts.models import User


class Answer(NamedTuple):
    """A passkey that answered rightly, and what makes this answer this one."""

    passkey: Authenticator
    proof: str


def registration_options(user) -> str:
    """What the browser needs to make a passkey for this person, as JSON."""
    return json.dumps(auth.begin_registration(user, passwordless=False), default=dict)


def is_registered(credential: dict[str, Any]) -> bool:
    """Whether the browser made a passkey for the question of this session."""
    try:
        auth.parse_registration_response(credential)
        auth.complete_registration(credential)
    except (ValidationError, ValueError, TypeError, KeyError, AttributeError):
        return False  # whatever a stranger sends in its place
    return True


def authentication_options(user: User) -> str:
    """What the browser needs to use one of this person's passkeys, as JSON."""
    return json.dumps(auth.begin_authentication(user), default=dict)


def verify_answer(user: User, response: Any) -> Answer | None:
    """The passkey with which this person answered the question of this session."""
    state = auth.get_state() or {}
    try:
        auth.parse_authentication_response(response)
        passkey = auth.complete_authentication(user, response)
    except (ValidationError, ValueError, TypeError, KeyError, AttributeError):
        return None  # whatever a stranger sends in its place
    return Answer(passkey, f"passkey:{str(state.get('challenge', ''))[:64]}")
