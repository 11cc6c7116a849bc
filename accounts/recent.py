"""What a session knows of whoever signed in: since when, with which proof, and how lately they proved who they are.

`recent_authentication` is for the views of actions that weigh more than reading: there one says again who one is, with
the second factor where one has it, when that was longer than ten minutes ago.
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
    """Whenever somebody signs in: what their list of sessions shows, and that they have just proven who they are."""
    moment = timezone.now().timestamp()
    request.session[ABOUT] = {
        "at": moment,
        "proven_at": moment,
        "by_factor": False,
        "device": device_of(request),
        "network": network_of(request),
    }


def prove(request: HttpRequest, *, by_factor: bool) -> None:
    """The person has proven who they are. The session gets another key: a copy of the old one opens nothing more."""
    about = request.session.get(ABOUT, {})
    about["proven_at"] = timezone.now().timestamp()
    about["by_factor"] = about.get("by_factor", False) or by_factor
    request.session[ABOUT] = about
    request.session.cycle_key()


def is_by_factor(request: HttpRequest) -> bool:
    """Whether this session was opened, or confirmed, with a second factor."""
    return bool(request.session.get(ABOUT, {}).get("by_factor"))


def is_recent(request: HttpRequest) -> bool:
    """Whether who is signed in proved it in the last ten minutes."""
    proven_at = request.session.get(ABOUT, {}).get("proven_at", 0)
    return timezone.now().timestamp() - proven_at < FRESH.total_seconds()


def is_confined(request: HttpRequest) -> bool:
    """Whether a second factor is required and this session has none yet: nothing is open but getting one."""
    return settings.MFA_REQUIRED and request.user.is_authenticated and not is_by_factor(request)


def redirect_to_confirm(request: HttpRequest) -> HttpResponse:
    """Lead to the page where one says again who one is, and from there back to this one."""
    return HttpResponseRedirect(
        f"{reverse('accounts:confirm')}?{urlencode({'next': request.get_full_path()})}"
    )


def recent_authentication(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A view for who has just proven who they are. Stands below `login_required`."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return view(request, *args, **kwargs) if is_recent(request) else redirect_to_confirm(request)

    return guarded
