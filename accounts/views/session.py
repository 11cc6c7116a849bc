"""Signing in and out, notices, and the page for a token that didn't fit."""

from django.conf import settings
from django.contrib.auth import login, logout
from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.i18n import set_language

from accounts import operations
from accounts.forms import SignInForm
from accounts.models import Notice
from core.clock import now


def _safe_next(request) -> str:
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else "/"


def _remember_language(response, language: str) -> None:
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
        samesite=settings.LANGUAGE_COOKIE_SAMESITE,
    )


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request):
    if request.user.is_authenticated:
        return redirect(_safe_next(request))
    form = SignInForm(request.POST or None, request=request)
    if request.method == "POST" and form.is_valid():
        user = form.user
        assert user is not None
        login(request, user)
        response = redirect(_safe_next(request))
        if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
            _remember_language(response, user.language)
        return response
    return render(request, "accounts/login.html", {"form": form, "next": _safe_next(request)})


@require_POST
def sign_out(request):
    logout(request)
    return redirect("accounts:sign-in")


@login_required
@require_GET
def notice_list(request):
    notices = Notice.objects.visible_to(request.user)[:100]
    return render(request, "accounts/notice_list.html", {"notices": notices})


@login_required
@require_POST
def notice_mark_read(request):
    operations.mark_notices_read(by=request.user, now=now())
    return redirect("accounts:notice-list")


@require_POST
def language_change(request):
    """Change the page's language, and for somebody signed in that of mails and notices too."""
    language = request.POST.get("language", "")
    if (
        request.user.is_authenticated
        and translation.check_for_language(language)
        and language in ("en", "ne")
    ):
        operations.change_language(by=request.user, language=language)
    return set_language(request)


def csrf_failure(request, reason=""):
    """A form whose token doesn't fit any more: nothing was saved, and what to do."""
    return render(request, "403_csrf.html", status=403)
