"""Second factors: added, used and removed by their own user, and reset by an administrator."""

import hmac
import logging
from datetime import datetime, timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from allauth.mfa.utils import decrypt
from allauth.mfa.webauthn.internal.auth import WebAuthn
from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.approval import guarding_organisation, is_guarded
from accounts.choices import RequestKind
from accounts.models import AccessRequest, User
from accounts.operations.access import ask_access, effects, user_of
from accounts.operations.lock import lock_own_account, locked_user
from accounts.operations.mail import mail_about_sign_in
from accounts.operations.mail_count import count_mail
from accounts.operations.session import end_other_sessions, end_sessions_of
from accounts.queries import factors_of, is_enrolled, may_configure
from accounts.rules import PROOF_KEPT
from accounts.throttle_models import UsedProof
from core import audit
from core.context import acting_as
from core.encryption import NotDecryptable

logger = logging.getLogger(__name__)
APP, RECOVERY, PASSKEY = "app", "recovery", "passkey"
STEP = 30  # seconds for which an app's code is valid
TOLERATED = (0, -1, 1)  # steps by which a phone's clock may be off
PROOFS_KEPT = timedelta(days=1)
MOST_PASSKEYS = 8


def digits_of(text: str) -> str:
    """Return a typed code for comparison: Latin digits only, without spaces and dashes."""
    return "".join(str(int(sign)) for sign in text if sign.isdecimal())


def step_of(secret: str, code: str, *, now: datetime) -> int | None:
    """Return the number of the half minute for which an app with this secret shows this code; None if it isn't now."""
    current, found = int(now.timestamp()) // STEP, None
    for step in (current + off for off in TOLERATED):
        if hmac.compare_digest(format_hotp_value(hotp_value(secret, step)).encode(), code.encode()):
            found = step
    return found


def spend_proof(*, user: User, proof: str, now: datetime) -> bool:
    """Mark a one-time proof as used; False if it was used before. A constraint decides between parallel attempts."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_usedproof (id, user_id, proof, used_at) "
            "VALUES (gen_random_uuid(), %s, %s, %s) ON CONFLICT (user_id, proof) DO NOTHING",
            [user.pk, proof, now],
        )
        is_first = cursor.rowcount == 1
    UsedProof.objects.filter(user=user, used_at__lt=now - PROOFS_KEPT).delete()
    return is_first


@transaction.atomic
def use_code(*, user: User, code: str, now: datetime) -> str | None:
    """Use a code of the user's app or a recovery code; returns which of them it was, None if neither."""
    code = digits_of(code)
    for factor in factors_of(user).exclude(type=Authenticator.Type.WEBAUTHN).order_by("-type"):
        try:
            method = _use_of(factor, code, user=user, now=now)
        except NotDecryptable:
            logger.exception("a second factor was encrypted under another key")
            continue
        if method is not None:
            return method
    return None


def _use_of(factor: Authenticator, code: str, *, user: User, now: datetime) -> str | None:
    if factor.type == Authenticator.Type.TOTP:
        step = step_of(decrypt(factor.data["secret"]), code, now=now)
        if step is None or not spend_proof(user=user, proof=f"app:{step}", now=now):
            return None
        factor.last_used_at = now
        factor.save(update_fields=["last_used_at"])
        return APP
    with acting_as(user):  # nobody is signed in yet, and only the user may change the content of a factor
        if not RecoveryCodes(factor).validate_code(
            code
        ):  # locks the row, so a code can't be used twice in parallel
            return None
        audit.record(by=user, verb="recovery code used", obj=user, now=now)
    return RECOVERY


@transaction.atomic
def add_app(*, secret: str, code: str, session: str, proven: bool, by, now: datetime) -> None:
    """Enrol an app instead of a former one, if its code proves that it has the secret; other sessions end.

    `proven`: the session used the second factor. It is required if the user has one: otherwise a thief with the
    password could add their own. Raises PermissionDenied or ValidationError.
    """
    _require_proven(by, proven)
    step = step_of(secret, digits_of(code), now=now)
    if step is None or not spend_proof(user=by, proof=f"app:{step}", now=now):
        raise ValidationError({"code": _("This code is not right. Look at the app again.")})
    factors_of(by).filter(type=Authenticator.Type.TOTP).delete()
    TOTP.activate(by, secret)
    _added(APP, session, by=by, now=now)


@transaction.atomic
def add_passkey(
    *, name: str, credential: dict[str, Any], session: str, proven: bool, by, now: datetime
) -> None:
    """Enrol a passkey that `passkeys.is_registered` has verified; other sessions end. `proven` as for `add_app`."""
    _require_proven(by, proven)
    if factors_of(by).filter(type=Authenticator.Type.WEBAUTHN).count() >= MOST_PASSKEYS:
        raise ValidationError(_("You have as many passkeys as are allowed. Remove one first."))
    WebAuthn.add(by, name, credential)
    _added(PASSKEY, session, by=by, now=now)


def _require_proven(user: User, proven: bool) -> None:
    """Raise PermissionDenied if a proof by the second factor is missing. The lock makes parallel enrolments wait."""
    lock_own_account(user)
    if is_enrolled(user) and not proven:
        raise PermissionDenied


def _added(method: str, session: str, *, by, now: datetime) -> None:
    RecoveryCodes.activate(by)
    audit.record(by=by, verb="second factor added", obj=by, now=now, detail={"method": method})
    end_other_sessions(current=session, by=by, now=now)
    _mail(by, gettext_noop("A second step was added to your account."), now=now)


@transaction.atomic
def remove_app(*, by, now: datetime) -> None:
    """Remove the user's own app. Raises ValidationError if it is the only required factor."""
    _remove(factors_of(by).filter(type=Authenticator.Type.TOTP).first(), APP, by=by, now=now)


@transaction.atomic
def remove_passkey(*, number: int, by, now: datetime) -> None:
    """Remove one of the user's own passkeys by its number in their list, from 1. Raises ValidationError."""
    own = list(factors_of(by).filter(type=Authenticator.Type.WEBAUTHN))
    _remove(own[number - 1] if 0 < number <= len(own) else None, PASSKEY, by=by, now=now)


def _remove(factor: Authenticator | None, method: str, *, by, now: datetime) -> None:
    lock_own_account(by)  # two parallel removals would leave no factor
    if factor is None:
        raise ValidationError(_("It was already removed."))
    others = factors_of(by).exclude(pk=factor.pk).exclude(type=Authenticator.Type.RECOVERY_CODES)
    if settings.MFA_REQUIRED and not others.exists():
        raise ValidationError(_("This is your only second step: add another before you remove it."))
    factor.delete()
    if not others.exists():
        factors_of(by).delete()
    audit.record(by=by, verb="second factor removed", obj=by, now=now, detail={"method": method})
    _mail(by, gettext_noop("A second step was removed from your account."), now=now)


@transaction.atomic
def make_recovery_codes(*, by, now: datetime) -> None:
    """Replace the user's recovery codes by new ones. Raises ValidationError without a second factor."""
    lock_own_account(by)
    if not is_enrolled(by):
        raise ValidationError(_("Set up a second step first."))
    factors_of(by).filter(type=Authenticator.Type.RECOVERY_CODES).delete()
    RecoveryCodes.activate(by)
    audit.record(by=by, verb="recovery codes made", obj=by, now=now)


@transaction.atomic
def hide_recovery_codes(*, by, now: datetime) -> None:
    """Never show the recovery codes again, as the user has written them down."""
    codes = factors_of(by).filter(type=Authenticator.Type.RECOVERY_CODES).select_for_update().first()
    if codes is not None and "viewed_at" not in codes.data:
        codes.data["viewed_at"] = now.timestamp()
        codes.save(update_fields=["data"])


@transaction.atomic
def reset_second_factor(*, user: User, by, now: datetime) -> AccessRequest | None:
    """Delete all of a user's second factors, end their sessions, and mail them.

    For a guarded user it becomes a request for a second user, which is returned; also from the command line
    (`by=None`). Refused for 14 days after a password reset by mail, as then e-mail alone would give access. Raises
    PermissionDenied or ValidationError.
    """
    if by is not None and not may_configure(by):
        raise PermissionDenied
    if by == user:
        raise ValidationError(_("Change your own second step on the page “Your sign-in”."))
    user = locked_user(user)
    _refuse_after_mailed_password(user, now)
    if not is_guarded(user):
        count_mail(user=user, email=user.email, by=by, now=now)
        _reset(user, by=by, now=now)
        return None
    return ask_access(
        kind=RequestKind.FACTOR,
        organisation_id=guarding_organisation(user, on=now.date()),
        user=user,
        email=user.email,
        by=by,
        now=now,
    )


def _refuse_after_mailed_password(user: User, now: datetime) -> None:
    if user.password_mailed_at and now - user.password_mailed_at < PROOF_KEPT:
        raise ValidationError(
            _(
                "The password was reset by e-mail less than 14 days ago. The second step can be "
                "removed only after 14 days."
            )
        )


def _reset_on_request(*, request: AccessRequest, now: datetime) -> None:
    user = user_of(request)
    _refuse_after_mailed_password(user, now)
    _reset(user, by=request.decided_by, now=now)


effects[RequestKind.FACTOR] = _reset_on_request


def _reset(user: User, *, by, now: datetime) -> None:
    user.factor_reset_at = now
    user.save(update_fields=["factor_reset_at"])
    removed, _rows = factors_of(user).delete()
    end_sessions_of(user)
    audit.record(by=by, verb="second factor reset", obj=user, now=now, detail={"count": removed})
    _mail(user, gettext_noop("An administrator has removed the second step from your account."), now=now)


def _mail(user: User, text: str, *, now: datetime) -> None:
    def words() -> tuple[str, str]:
        after = _("If this was not you, tell your organisation's administrator at once.")
        return _("Your sign-in to Sahayatra has changed"), f"{_(text)}\n\n{after}"

    mail_about_sign_in(user, words, now=now)
