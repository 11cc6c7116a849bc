"""Notices, the language of pages, and the page for a token that didn't fit."""

from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect, render
from django.utils import translation
from django.views.decorators.http import require_GET, require_POST
from django.views.i18n import set_language

from accounts import operations
from accounts.models import Notice
from core.clock import now


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
