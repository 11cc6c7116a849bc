"""Notices, the language of pages, and the page for a wrong CSRF token."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.models import Notice
from accounts.operations.notice import change_language, mark_notices_read
from accounts.views.sign_in import keep_cookie
from core.clock import now
from core.pages import safe_address


@login_required
@require_GET
def notice_list(request):
    """Show the user's last 100 notices."""
    notices = Notice.objects.visible_to(request.user)[:100]
    return render(request, "accounts/notice_list.html", {"notices": notices})


@login_required
@require_POST
def notice_mark_read(request):
    """Mark all of the user's notices as read."""
    mark_notices_read(by=request.user, now=now())
    return redirect("accounts:notice-list")


@require_POST
def language_change(request):
    """Change the language of pages, and for a signed-in user that of mails and notices."""
    language, sent_from = request.POST.get("language", ""), request.headers.get("referer", "/")
    response = HttpResponseRedirect(safe_address(request, request.POST.get("next") or sent_from))
    if language in dict(settings.LANGUAGES):
        keep_cookie(response, settings.LANGUAGE_COOKIE_NAME, language, None)
        if request.user.is_authenticated:
            change_language(by=request.user, language=language)
    return response


def csrf_failure(request, reason=""):
    """Say that nothing was saved because the form's CSRF token is no longer valid, and what to do."""
    return render(request, "403_csrf.html", status=403)
