"""Attempts to sign in or to confirm one's identity: a password first, then a second factor."""

from datetime import datetime

from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.operations.factor import PASSKEY, spend_proof, use_code
from accounts.operations.throttle import begin_try, count_failure, forget_failures
from accounts.passkeys import Answer
from accounts.queries import is_enrolled
from core import audit


class WrongCredentials(ValidationError):
    """The credentials are wrong. Returned and never raised, as raising would roll back the counted failure."""


@transaction.atomic
def try_password(
    *, username: str, password: str, keys: dict[str, str], now: datetime
) -> User | WrongCredentials:
    """Return the user with this name and password. An unknown name takes as long and gives the same message."""
    begin_try(keys, now=now)
    user = authenticate(username=username, password=password)
    if not isinstance(user, User):
        _fail(User.objects.named(username).first(), "password", keys, now=now)
        return WrongCredentials(_("The user name or the password is not right."))
    if not is_enrolled(user):  # else only the right second factor resets the count
        forget_failures(keys, now=now)
    return user


@transaction.atomic
def try_code(*, user: User, code: str, keys: dict[str, str], now: datetime) -> str | WrongCredentials:
    """Check a code of the user's app or a recovery code; returns which of them it was if it is right and unused."""
    begin_try(keys, now=now)
    method = use_code(user=user, code=code, now=now)
    if method is None:
        _fail(user, "code", keys, now=now)
        return WrongCredentials(_("This code is not right, or was used already. Wait for the next one."))
    forget_failures(keys, now=now)
    return method


@transaction.atomic
def try_passkey(
    *, user: User, answer: Answer | None, keys: dict[str, str], now: datetime
) -> str | WrongCredentials:
    """Check a passkey's answer to this session's challenge; None was wrong, and each answer can be used once."""
    begin_try(keys, now=now)
    if answer is None or not spend_proof(user=user, proof=answer.proof, now=now):
        _fail(user, PASSKEY, keys, now=now)
        return WrongCredentials(_("The passkey could not be used. Try again, or use a code."))
    answer.passkey.last_used_at = now
    answer.passkey.save(update_fields=["last_used_at"])
    forget_failures(keys, now=now)
    return PASSKEY


@transaction.atomic
def try_own_password(
    *, user: User, password: str, keys: dict[str, str], now: datetime
) -> str | WrongCredentials:
    """Check the password of a signed-in user; returns "password" if it is right."""
    found = try_password(username=user.username, password=password, keys=keys, now=now)
    if isinstance(found, WrongCredentials):
        return WrongCredentials(_("The password is not right."))
    forget_failures(keys, now=now)
    return "password"


def _fail(user: User | None, method: str, keys: dict[str, str], *, now: datetime) -> None:
    count_failure(keys, now=now)
    detail = {"method": method} | ({"user": str(user.pk)} if user else {})
    audit.record(by=None, verb="sign-in failed", now=now, detail=detail)
