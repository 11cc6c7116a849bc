"""Changing one's password, and resetting a forgotten one by a mailed link."""

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.devices import address_of
from accounts.forms import ForgottenForm, NewPasswordForm, ResetForm
from accounts.operations.password import ask_for_reset, change_password, reset_password
from accounts.operations.sign_in import WrongCredentials, try_code
from accounts.operations.throttle import MustWait, reset_keys
from accounts.queries import needs_factor_to_reset, user_of_reset
from accounts.recent import recent_authentication
from accounts.views.sign_in import METHODS, throttle_keys_of, wait_response
from core.clock import now
from core.forms import add_refusal


@never_cache
@sensitive_post_parameters("password", "again")
@login_required
@recent_authentication
@require_http_methods(METHODS)
def password_change(request: HttpRequest) -> HttpResponse:
    """Change the password; all sessions end, this one too."""
    form = NewPasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                change_password(password=form.cleaned_data["password"], by=request.user, now=now())
        except ValidationError as error:
            add_refusal(form, error)
        else:
            return _to_sign_in(request)
    return render(request, "accounts/password_change.html", {"form": form})


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    logout(request)
    messages.success(request, _("Your password is set. Sign in with it."))
    return redirect("accounts:sign-in")


@never_cache
@require_http_methods(METHODS)
def password_forgotten(request: HttpRequest) -> HttpResponse:
    """Mail a reset link. The answer is the same, after the same work, whether or not a user has this address."""
    form = ForgottenForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return render(request, "accounts/password_forgotten.html", {"form": form})
    email = form.cleaned_data["email"]
    keys = reset_keys(email=email, address=address_of(request))
    ask_for_reset(email=email, keys=keys, now=now())
    return render(request, "accounts/password_mailed.html")


@never_cache
@sensitive_post_parameters("password", "again")
@require_http_methods(METHODS)
def password_reset(request: HttpRequest, link: str) -> HttpResponse:
    """Let the holder of a link choose a password; nobody is signed in by it."""
    user = user_of_reset(link)
    if user is None:
        return render(request, "accounts/password_ended.html", status=404)
    asks_factor = needs_factor_to_reset(user, now=now())
    form = (ResetForm if asks_factor else NewPasswordForm)(request.POST or None)
    if request.method == "POST" and form.is_valid():
        password = form.cleaned_data["password"]
        try:
            if asks_factor:
                keys = throttle_keys_of(request, user.username)
                found = try_code(user=user, code=form.cleaned_data["code"], keys=keys, now=now())
                if isinstance(found, WrongCredentials):
                    form.add_error("code", found)
                    return render(request, "accounts/password_reset.html", {"form": form})
            with transaction.atomic():
                reset_password(link=link, password=password, is_by_factor=asks_factor, now=now())
        except MustWait as refusal:
            return wait_response(request, "accounts/password_reset.html", {"form": form}, refusal)
        except ValidationError as error:
            add_refusal(form, error)
        else:
            return _to_sign_in(request)
    return render(request, "accounts/password_reset.html", {"form": form})
