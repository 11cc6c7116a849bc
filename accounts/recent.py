"""What a session stores about signing in: when, by which factor, and when the user last confirmed their identity.

`recent_authentication` is for views of important actions: the user must confirm their identity again, by the second
factor if they have one, if the last confirmation is older than ten minutes.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from accounts.devices import device_of, network_of
from accounts.rules import FRESH
from accounts.session_store import ABOUT


def begin(sender: object, request: HttpRequest, **kwargs: object) -> None:
    """On signing in, store what the list of sessions shows, and the time of this proof of identity."""
    moment = timezone.now().timestamp()
    request.session[ABOUT] = {
        "at": moment,
        "proven_at": moment,
        "by_factor": False,
        "device": device_of(request),
        "network": network_of(request),
    }


def prove(request: HttpRequest, *, by_factor: bool) -> None:
    """Store that the user has just proven their identity, and change the session's key, so a stolen one ends."""
    about = request.session.get(ABOUT, {})
    about["proven_at"] = timezone.now().timestamp()
    about["by_factor"] = about.get("by_factor", False) or by_factor
    request.session[ABOUT] = about
    request.session.cycle_key()


def is_by_factor(request: HttpRequest) -> bool:
    """Return whether the second factor was used in this session, on signing in or later."""
    return bool(request.session.get(ABOUT, {}).get("by_factor"))


def is_recent(request: HttpRequest) -> bool:
    """Return whether the user proved their identity in the last ten minutes."""
    proven_at = request.session.get(ABOUT, {}).get("proven_at", 0)
    return timezone.now().timestamp() - proven_at < FRESH.total_seconds()


def is_confined(request: HttpRequest) -> bool:
    """Return whether a required second factor is missing in this session, which then can only provide one."""
    return settings.MFA_REQUIRED and request.user.is_authenticated and not is_by_factor(request)


def redirect_to_confirm(request: HttpRequest) -> HttpResponse:
    """Redirect to the page where the user confirms their identity, and from there back to this one."""
    return HttpResponseRedirect(
        f"{reverse('accounts:confirm')}?{urlencode({'next': request.get_full_path()})}"
    )


def recent_authentication(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Decorate a view so that it requires a recent proof of identity. Put it below `login_required`."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return view(request, *args, **kwargs) if is_recent(request) else redirect_to_confirm(request)

    return guarded
