"""The page where an invited user chooses their password, without being signed in."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.forms import NewPasswordForm
from accounts.operations.invitation import accept_invitation
from accounts.queries import invited_user
from core.clock import now
from core.forms import add_refusal


@never_cache
@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, user_id: UUID, token: str) -> HttpResponse:
    """Let an invited user choose a password. All invalid links get the same page, so nobody learns why one is."""
    user = invited_user(user_id, token)
    if user is None:
        return render(request, "accounts/invitation_ended.html", status=404)
    form = NewPasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _accepted(form, user_id, token):
        messages.success(request, _("Your password is set. Sign in with it."))
        return redirect("accounts:sign-in")
    return render(request, "accounts/invitation.html", {"form": form, "account": user})


def _accepted(form: NewPasswordForm, user_id: UUID, token: str) -> bool:
    """Set the password; False if it was refused, with the error on the form."""
    try:
        with transaction.atomic():
            accept_invitation(user_id=user_id, token=token, password=form.cleaned_data["password"], now=now())
    except ValidationError as error:
        add_refusal(form, error)
        return False
    return True
