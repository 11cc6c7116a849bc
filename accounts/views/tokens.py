"""The user's own API tokens: created and confirmed after a recent sign-in, shown once, revoked at any time."""

from uuid import UUID

from allauth.mfa.utils import decrypt, encrypt
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms import TokenForm
from accounts.models import User
from accounts.operations.token import confirm_api_token, create_api_token, revoke_api_token
from accounts.recent import recent_authentication
from core.clock import now
from core.pages import submit

NEW = "token_made"  # session key: the encrypted text of a new token, until it was shown


@never_cache
@login_required
@recent_authentication
@require_http_methods(["GET", "HEAD", "POST"])
def token_add(request: HttpRequest) -> HttpResponse:
    """Create a token; afterwards this page shows it once."""
    form = TokenForm(request.POST or None)

    def action() -> str:
        assert isinstance(request.user, User)
        _token, text = create_api_token(
            user=request.user,
            name=form.cleaned_data["name"],
            days=form.cleaned_data["days"],
            by=request.user,
            now=now(),
        )
        request.session[NEW] = encrypt(text)
        return reverse("accounts:token-add")

    answer = submit(request, form, purpose="token", action=action)
    if answer is not None:
        return answer
    text = request.session.pop(NEW, None) if request.method == "GET" else None
    context = {"form": form, "made": decrypt(text) if text else ""}
    return render(request, "accounts/token_add.html", context)


@login_required
@recent_authentication
@require_http_methods(["GET", "HEAD", "POST"])
def token_confirm(request: HttpRequest, token_id: UUID) -> HttpResponse:
    """Confirm a token that was created on the server. A GET comes from the page that confirms the user's identity."""
    if request.method != "POST":
        return redirect("accounts:security")
    if not confirm_api_token(token_id=token_id, by=request.user, now=now()):
        raise Http404
    messages.success(request, _("The token is confirmed."))
    return redirect("accounts:security")


@login_required
@require_POST
def token_revoke(request: HttpRequest, token_id: UUID) -> HttpResponse:
    """Revoke one of the user's own tokens."""
    if not revoke_api_token(token_id=token_id, by=request.user, now=now()):
        raise Http404
    messages.success(request, _("The token is revoked."))
    return redirect("accounts:security")
