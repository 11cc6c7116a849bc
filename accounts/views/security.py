"""A person's own ways of signing in: second factors, recovery codes, sessions. Nobody else's can be named here."""

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

from accounts import operations, passkeys, recent
from accounts.adapter import FactorAdapter
from accounts.devices import device_in_words
from accounts.forms import CodeForm, PasskeyAddForm
from accounts.models import Session
from accounts.queries import factors_of, is_enrolled, sessions_of, tokens_of
from accounts.recent import recent_authentication
from accounts.session_store import digest
from core.clock import now
from core.forms import add_refusal

SECRET = "app_secret"  # noqa: S105 - the name in a session, where it is encrypted, until the app shows that it has it
METHODS = ["GET", "HEAD", "POST"]


def own_session(request: HttpRequest) -> str:
    """The key by which the table holds this very session."""
    return digest(request.session.session_key)


@never_cache
@login_required
@require_safe
def security(request: HttpRequest) -> HttpResponse:
    """How somebody signs in; for who must get a second factor first, where to begin."""
    if recent.is_confined(request):
        if is_enrolled(request.user):
            return recent.redirect_to_confirm(request)
        return render(request, "accounts/security_start.html")
    held = list(factors_of(request.user))
    codes = next((one for one in held if one.type == Authenticator.Type.RECOVERY_CODES), None)
    context = {
        "has_app": any(one.type == Authenticator.Type.TOTP for one in held),
        "passkeys": [one.wrap().name for one in held if one.type == Authenticator.Type.WEBAUTHN],
        "codes_left": len(RecoveryCodes(codes).get_unused_codes()) if codes else None,
        "tokens": tokens_of(request.user, on=now().date()),
        "sessions": [_shown(row, own_session(request)) for row in sessions_of(request.user, at=now())],
    }
    return render(request, "accounts/security.html", context)


def _shown(row: Session, current: str) -> dict[str, object]:
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
    """Show a secret for an app, and enrol it once the app shows a code for it."""
    if SECRET not in request.session:
        request.session[SECRET] = encrypt(generate_totp_secret())
    secret = decrypt(request.session[SECRET])
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        is_first = not is_enrolled(request.user)
        if _is_done(
            form,
            lambda: operations.add_app(
                secret=secret, code=form.cleaned_data["code"], **_own_arguments(request), now=now()
            ),
        ):
            request.session.pop(SECRET)
            return _after_adding(request, is_first=is_first)
    adapter = FactorAdapter()
    drawn = adapter.build_totp_svg(adapter.build_totp_url(request.user, secret))
    context = {
        "form": form,
        "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        "picture": mark_safe(drawn[drawn.index("<svg") :]),  # noqa: S308 - drawn here, of letters and digits
    }
    return render(request, "accounts/factor_add_app.html", context)


def _own_arguments(request: HttpRequest) -> dict[str, Any]:
    """Always who is signed in, by this very session: no form and no address says of whom the factor is."""
    return {"session": own_session(request), "proven": recent.is_by_factor(request), "by": request.user}


def _is_done(form: Any, action: Any) -> bool:
    """Whether the action was carried out; what it refuses stands on the form."""
    try:
        with transaction.atomic():
            action()
    except ValidationError as error:
        add_refusal(form, error)
        return False
    return True


def _after_adding(request: HttpRequest, *, is_first: bool) -> HttpResponse:
    """Who has just added a factor has used it, too. With the first one come recovery codes."""
    recent.prove(request, by_factor=True)
    messages.success(request, _("Your second step is set up."))
    return redirect("accounts:recovery-codes" if is_first else "accounts:security")


@never_cache
@login_required
@recent_authentication
@require_http_methods(METHODS)
def factor_add_passkey(request: HttpRequest) -> HttpResponse:
    form = PasskeyAddForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given, is_first = form.cleaned_data, not is_enrolled(request.user)
        if not passkeys.is_registered(given["credential"]):
            form.add_error(None, _("The passkey was not created. Try again."))
        elif _is_done(form, lambda: operations.add_passkey(**given, **_own_arguments(request), now=now())):
            return _after_adding(request, is_first=is_first)
    context = {"form": form, "options": passkeys.registration_options(request.user)}
    return render(request, "accounts/factor_add_passkey.html", context)


@never_cache
@login_required
@recent_authentication
@require_http_methods(METHODS)
def factor_remove_app(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        return _removed(request, lambda: operations.remove_app(by=request.user, now=now()))
    return render(request, "accounts/factor_remove.html", {"what": _("the app")})


@never_cache
@login_required
@recent_authentication
@require_http_methods(METHODS)
def factor_remove_passkey(request: HttpRequest, number: int) -> HttpResponse:
    """One of one's own passkeys, by its place in one's own list."""
    own = list(factors_of(request.user).filter(type=Authenticator.Type.WEBAUTHN))
    if not 0 < number <= len(own):
        raise Http404
    if request.method == "POST":
        return _removed(request, lambda: operations.remove_passkey(number=number, by=request.user, now=now()))
    what = _("the passkey “%s”") % own[number - 1].wrap().name
    return render(request, "accounts/factor_remove.html", {"what": what})


def _removed(request: HttpRequest, action: Any) -> HttpResponse:
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
    """Codes for when the phone is lost: shown until their owner has put them away, then never again."""
    held = factors_of(request.user).filter(type=Authenticator.Type.RECOVERY_CODES).first()
    if held is None and not is_enrolled(request.user):
        return redirect("accounts:security")
    if request.method == "POST":
        if "kept" in request.POST:
            operations.hide_recovery_codes(by=request.user, now=now())
            return redirect("accounts:security")
        operations.make_recovery_codes(by=request.user, now=now())
        return redirect("accounts:recovery-codes")
    codes = RecoveryCodes(held) if held else None
    shown = codes.get_unused_codes() if codes and not codes.did_view else []
    return render(request, "accounts/recovery_codes.html", {"codes": shown})


@login_required
@require_POST
def session_end(request: HttpRequest, session_id: UUID) -> HttpResponse:
    if not operations.end_session(session_id=session_id, by=request.user, now=now()):
        raise Http404
    messages.success(request, _("That session is ended."))
    return redirect("accounts:security")


@login_required
@require_POST
def session_end_others(request: HttpRequest) -> HttpResponse:
    operations.end_other_sessions(kept=own_session(request), by=request.user, now=now())
    messages.success(request, _("All your other sessions are ended."))
    return redirect("accounts:security")
