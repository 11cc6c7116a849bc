"""Signing in with a password and the user's second factor, confirming one's identity again, and signing out."""

import math
import secrets
import time
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth import login, logout
from django.contrib.auth.decorators import login_required
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import passkeys, recent
from accounts.devices import address_of
from accounts.forms import FactorForm, OwnPasswordForm, SignInForm
from accounts.models import User
from accounts.operations.session import note_sign_in, note_sign_out
from accounts.operations.sign_in import (
    WrongCredentials,
    try_code,
    try_own_password,
    try_passkey,
    try_password,
)
from accounts.operations.throttle import MustWait, throttle_keys
from accounts.queries import factors_of, is_enrolled
from core.clock import now
from core.pages import safe_address

PENDING, PENDING_SECONDS = "pending", 10 * 60  # session key: the user whose second factor is awaited
KNOWN, KNOWN_SECONDS = "known", 90 * 24 * 60 * 60  # cookie: the user who signed in with this browser before
METHODS = ["GET", "HEAD", "POST"]


def safe_next(request: HttpRequest) -> str:
    """Return where to go afterwards: an address of this site, by default the first page."""
    return safe_address(request, request.POST.get("next") or request.GET.get("next") or "/")


def throttle_keys_of(request: HttpRequest, username: str) -> dict[str, str]:
    """Return the throttle keys of an attempt by this browser for this account."""
    browser = ""
    try:
        key, number = signing.loads(request.COOKIES.get(KNOWN, ""), salt=KNOWN, max_age=KNOWN_SECONDS)
        user = User.objects.named(username).first()
        browser = number if user and user.pk.hex == key else ""
    except signing.BadSignature:
        pass  # no cookie, or not one of ours: an unknown browser
    return throttle_keys(username=username, address=address_of(request), browser=browser)


def wait_response(
    request: HttpRequest, template: str, context: dict[str, Any], refusal: MustWait
) -> HttpResponse:
    """Show the page again with how long to wait, status 429. It doesn't depend on whether the user exists."""
    seconds = math.ceil(refusal.wait.total_seconds())
    minutes = math.ceil(seconds / 60)
    wait = (
        ngettext("Wait %s second, then try again.", "Wait %s seconds, then try again.", seconds) % seconds
        if seconds <= 60
        else ngettext("Wait %s minute, then try again.", "Wait %s minutes, then try again.", minutes)
        % minutes
    )
    context["form"].add_error(None, " ".join([_("There were too many tries."), wait]))
    response = render(request, template, context, status=429)
    response["Retry-After"] = str(seconds)
    return response


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(METHODS)
def sign_in(request: HttpRequest) -> HttpResponse:
    """Check the password, then sign in or ask for the second factor."""
    if request.user.is_authenticated:
        return HttpResponseRedirect(safe_next(request))
    form = SignInForm(request.POST or None)
    context = {"form": form, "next": safe_next(request)}
    if request.method == "POST" and form.is_valid():
        typed = form.cleaned_data
        try:
            found = try_password(**typed, keys=throttle_keys_of(request, typed["username"]), now=now())
        except MustWait as refusal:
            return wait_response(request, "accounts/login.html", context, refusal)
        if isinstance(found, User):
            return (
                _ask_for_factor(request, found)
                if is_enrolled(found)
                else _sign_in(request, found, "password")
            )
        form.add_error(None, found)
    return render(request, "accounts/login.html", context)


def _ask_for_factor(request: HttpRequest, user: User) -> HttpResponse:
    """Store in the session whose password was right, which gives no access yet, and go to the second step."""
    request.session.cycle_key()
    request.session[PENDING] = {
        "user": user.pk.hex,
        "password": user.get_session_auth_hash(),
        "at": time.time(),
        "next": safe_next(request),
    }
    return redirect("accounts:second-step")


def _pending_user(request: HttpRequest) -> User | None:
    """Return the user whose second factor this session awaits; None after ten minutes or a change of password."""
    pending = request.session.get(PENDING)
    if pending is None or time.time() - pending["at"] > PENDING_SECONDS:
        return None
    user = User.objects.filter(pk=pending["user"], is_active=True).first()
    is_same = user and constant_time_compare(pending["password"], user.get_session_auth_hash())
    return user if is_same else None


@never_cache
@sensitive_post_parameters("code", "credential")
@require_http_methods(METHODS)
def second_step(request: HttpRequest) -> HttpResponse:
    """Ask for the second factor of the user who gave the right password in this session, then sign in."""
    user = _pending_user(request)
    if user is None:
        return redirect("accounts:sign-in")
    answer = _with_factor(request, user, "accounts/second_step.html")
    return _sign_in(request, user, answer) if isinstance(answer, str) else answer


def _with_factor(request: HttpRequest, user: User, template: str) -> HttpResponse | str:
    """Ask for the user's second factor. Returns the page, or which factor was used once it is right."""
    form = FactorForm(request.POST or None)
    context: dict[str, Any] = {"form": form, "next": safe_next(request)}
    refused: MustWait | None = None
    if request.method == "POST" and form.is_valid():
        try:
            found = _try_factor(user, form.cleaned_data, throttle_keys_of(request, user.username))
        except MustWait as refusal:
            refused = refusal
        else:
            if not isinstance(found, WrongCredentials):
                return found
            form.add_error(None, found)
    kinds = {factor.type for factor in factors_of(user)}
    context["has_app"] = Authenticator.Type.TOTP in kinds
    if Authenticator.Type.WEBAUTHN in kinds:
        context["options"] = passkeys.authentication_options(user)
    if refused:
        return wait_response(request, template, context, refused)
    return render(request, template, context)


def _try_factor(user: User, given: dict[str, Any], keys: dict[str, str]) -> str | WrongCredentials:
    if given["code"]:
        return try_code(user=user, code=given["code"], keys=keys, now=now())
    answer = passkeys.verify_answer(user, given["credential"])
    return try_passkey(user=user, answer=answer, keys=keys, now=now())


def _sign_in(request: HttpRequest, user: User, method: str) -> HttpResponse:
    """Sign the user in, with a new session key, and remember the browser. `method`: "password" or the factor."""
    pending = request.session.pop(PENDING, None)
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    if method != "password":
        recent.prove(request, by_factor=True)
    note_sign_in(user=user, method=method, now=now())
    response = HttpResponseRedirect(pending["next"] if pending else safe_next(request))
    if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
        keep_cookie(response, settings.LANGUAGE_COOKIE_NAME, user.language, None)
    known = signing.dumps([user.pk.hex, secrets.token_hex(16)], salt=KNOWN)
    keep_cookie(response, KNOWN, known, KNOWN_SECONDS)
    return response


def keep_cookie(response: HttpResponse, name: str, value: str, seconds: int | None) -> None:
    """Set a cookie for `seconds`; None: until the browser is closed."""
    response.set_cookie(
        name, value, max_age=seconds, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax"
    )


@never_cache
@sensitive_post_parameters("password", "code", "credential")
@login_required
@require_http_methods(METHODS)
def confirm(request: HttpRequest) -> HttpResponse:
    """Confirm the user's identity before an important action: by the second factor, or by the password without one."""
    user = request.user
    assert isinstance(user, User)
    has_factor = is_enrolled(user)
    ask = _with_factor if has_factor else _with_password
    answer = ask(request, user, "accounts/confirm.html")
    if not isinstance(answer, str):
        return answer
    recent.prove(request, by_factor=has_factor)
    return HttpResponseRedirect(safe_next(request))


def _with_password(request: HttpRequest, user: User, template: str) -> HttpResponse | str:
    """Ask for the user's own password. Returns the page, or "password" once it is right."""
    form = OwnPasswordForm(request.POST or None)
    context = {"form": form, "next": safe_next(request)}
    if request.method == "POST" and form.is_valid():
        keys = throttle_keys_of(request, user.username)
        try:
            found = try_own_password(user=user, password=form.cleaned_data["password"], keys=keys, now=now())
        except MustWait as refusal:
            return wait_response(request, template, context, refusal)
        if not isinstance(found, WrongCredentials):
            return found
        form.add_error(None, found)
    return render(request, template, context)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Sign out and go to the sign-in page."""
    if request.user.is_authenticated:
        note_sign_out(by=request.user, now=now())
    logout(request)
    return redirect("accounts:sign-in")
