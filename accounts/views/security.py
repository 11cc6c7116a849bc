"""The user's own ways of signing in: second factors, recovery codes, sessions. No view takes another user's."""

from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import generate_totp_secret
from allauth.mfa.utils import decrypt, encrypt
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import passkeys, recent
from accounts.adapter import FactorAdapter
from accounts.devices import device_in_words
from accounts.forms import CodeForm, PasskeyAddForm
from accounts.models import Session
from accounts.operations.factor import (
    add_app,
    add_passkey,
    hide_recovery_codes,
    make_recovery_codes,
    remove_app,
    remove_passkey,
)
from accounts.operations.session import end_other_sessions, end_session
from accounts.queries import factors_of, is_enrolled, sessions_of, tokens_of
from accounts.recent import recent_authentication
from accounts.session_store import digest
from core.clock import now
from core.forms import add_refusal

SECRET = "app_secret"  # noqa: S105 - session key of a new app's encrypted secret, until a code confirms it
METHODS = ["GET", "HEAD", "POST"]


def own_session(request: HttpRequest) -> str:
    """Return the `session_key` with which the table stores the current session."""
    return digest(request.session.session_key)


@never_cache
@login_required
@require_safe
def security(request: HttpRequest) -> HttpResponse:
    """Show how the user signs in; without a required second factor, how to set one up."""
    if recent.is_confined(request):
        if is_enrolled(request.user):
            return recent.redirect_to_confirm(request)
        return render(request, "accounts/security_start.html")
    factors = list(factors_of(request.user))
    codes = next((one for one in factors if one.type == Authenticator.Type.RECOVERY_CODES), None)
    context = {
        "has_app": any(one.type == Authenticator.Type.TOTP for one in factors),
        "passkeys": [one.wrap().name for one in factors if one.type == Authenticator.Type.WEBAUTHN],
        "codes_left": len(RecoveryCodes(codes).get_unused_codes()) if codes else None,
        "tokens": tokens_of(request.user, on=now().date()),
        "sessions": [_session_row(row, own_session(request)) for row in sessions_of(request.user, at=now())],
    }
    return render(request, "accounts/security.html", context)


def _session_row(row: Session, current: str) -> dict[str, object]:
    return {
        "id": UUID(row.pk),
        "device": device_in_words(row.device),
        "network": row.network,
        "started_at": row.started_at,
        "last_seen_at": row.last_seen_at,
        "is_this": row.pk == current,
    }


@never_cache
@sensitive_post_parameters("code")
@login_required
@recent_authentication
@require_http_methods(METHODS)
def factor_add_app(request: HttpRequest) -> HttpResponse:
    """Show a secret for an app, and enrol the app once its code is right."""
    if SECRET not in request.session:
        request.session[SECRET] = encrypt(generate_totp_secret())
    secret = decrypt(request.session[SECRET])
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        is_first = not is_enrolled(request.user)
        if _done(
            form,
            lambda: add_app(
                secret=secret, code=form.cleaned_data["code"], **_own_arguments(request), now=now()
            ),
        ):
            request.session.pop(SECRET)
            return _after_adding(request, is_first=is_first)
    adapter = FactorAdapter()
    svg = adapter.build_totp_svg(adapter.build_totp_url(request.user, secret))
    context = {
        "form": form,
        "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        "picture": mark_safe(svg[svg.index("<svg") :]),  # noqa: S308 - built here, from letters and digits
    }
    return render(request, "accounts/factor_add_app.html", context)


def _own_arguments(request: HttpRequest) -> dict[str, Any]:
    """Return the arguments that name the signed-in user and the current session, never taken from a form or URL."""
    return {"session": own_session(request), "proven": recent.is_by_factor(request), "by": request.user}


def _done(form: Any, action: Any) -> bool:
    """Carry out an action; False if it was refused, with the error on the form."""
    try:
        with transaction.atomic():
            action()
    except ValidationError as error:
        add_refusal(form, error)
        return False
    return True


def _after_adding(request: HttpRequest, *, is_first: bool) -> HttpResponse:
    """Count the new factor as a confirmation of identity; after the first one show the recovery codes."""
    recent.prove(request, by_factor=True)
    messages.success(request, _("Your second step is set up."))
    return redirect("accounts:recovery-codes" if is_first else "accounts:security")


@never_cache
@login_required
@recent_authentication
@require_http_methods(METHODS)
def factor_add_passkey(request: HttpRequest) -> HttpResponse:
    """Create and enrol a passkey."""
    form = PasskeyAddForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given, is_first = form.cleaned_data, not is_enrolled(request.user)
        if not passkeys.is_registered(given["credential"]):
            form.add_error(None, _("The passkey was not created. Try again."))
        elif _done(form, lambda: add_passkey(**given, **_own_arguments(request), now=now())):
            return _after_adding(request, is_first=is_first)
    context = {"form": form, "options": passkeys.registration_options(request.user)}
    return render(request, "accounts/factor_add_passkey.html", context)


@never_cache
@login_required
@recent_authentication
@require_http_methods(METHODS)
def factor_remove_app(request: HttpRequest) -> HttpResponse:
    """Ask whether to remove the app, and remove it."""
    if request.method == "POST":
        return _remove(request, lambda: remove_app(by=request.user, now=now()))
    return render(request, "accounts/factor_remove.html", {"what": _("the app")})


@never_cache
@login_required
@recent_authentication
@require_http_methods(METHODS)
def factor_remove_passkey(request: HttpRequest, number: int) -> HttpResponse:
    """Ask whether to remove one of the user's own passkeys, by its number in their list, and remove it."""
    own = list(factors_of(request.user).filter(type=Authenticator.Type.WEBAUTHN))
    if not 0 < number <= len(own):
        raise Http404
    if request.method == "POST":
        return _remove(request, lambda: remove_passkey(number=number, by=request.user, now=now()))
    what = _("the passkey “%s”") % own[number - 1].wrap().name
    return render(request, "accounts/factor_remove.html", {"what": what})


def _remove(request: HttpRequest, action: Any) -> HttpResponse:
    try:
        with transaction.atomic():
            action()
    except ValidationError as error:
        messages.warning(request, " ".join(error.messages))
    else:
        messages.success(request, _("It is removed."))
    return redirect("accounts:security")


@never_cache
@login_required
@recent_authentication
@require_http_methods(METHODS)
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """Show the recovery codes until the user has noted them, or create new ones."""
    factor = factors_of(request.user).filter(type=Authenticator.Type.RECOVERY_CODES).first()
    if factor is None and not is_enrolled(request.user):
        return redirect("accounts:security")
    if request.method == "POST":
        if "kept" in request.POST:
            hide_recovery_codes(by=request.user, now=now())
            return redirect("accounts:security")
        make_recovery_codes(by=request.user, now=now())
        return redirect("accounts:recovery-codes")
    codes = RecoveryCodes(factor) if factor else None
    shown = codes.get_unused_codes() if codes and not codes.did_view else []
    return render(request, "accounts/recovery_codes.html", {"codes": shown})


@login_required
@require_POST
def session_end(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """End one of the user's own sessions."""
    if not end_session(session_id=session_id, by=request.user, now=now()):
        raise Http404
    messages.success(request, _("That session is ended."))
    return redirect("accounts:security")


@login_required
@require_POST
def session_end_others(request: HttpRequest) -> HttpResponse:
    """End all of the user's sessions except the current one."""
    end_other_sessions(current=own_session(request), by=request.user, now=now())
    messages.success(request, _("All your other sessions are ended."))
    return redirect("accounts:security")
