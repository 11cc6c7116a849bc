"""Middleware of the project: the required second factor, and the page for too many sign-ins at once."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from accounts.queries import is_enrolled
from accounts.recent import is_confined, redirect_to_confirm
from api.problems import MEDIA_TYPE, problem
from core.slots import Busy

# The pages that are open to a session without its required second factor. Those of `accounts` check more themselves.
OPEN = {
    "accounts:confirm",
    "accounts:security",
    "accounts:factor-add-app",
    "accounts:factor-add-passkey",
    "accounts:sign-in",
    "accounts:sign-out",
    "healthz",
    "readyz",
    "set_language",
}


class SecondFactor:
    """Allow a session without its required second factor only to provide one; for the API and the admin too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on; `process_view` does the work."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: object, args: object, kwargs: object
    ) -> HttpResponse | None:
        """Redirect to the page for the second factor, or answer 403 in the API."""
        match = request.resolver_match
        assert match is not None  # a view was found
        if match.view_name in OPEN or not is_confined(request):
            return None
        if match.namespaces[:1] == ["api"]:
            body = problem(403, _("A second step is needed: sign in with it first."))
            return JsonResponse(body, status=403, content_type=MEDIA_TYPE)
        return redirect_to_confirm(request) if is_enrolled(request.user) else redirect("accounts:security")


class BusyPage:
    """Answer 503 with Retry-After while too many passwords are being hashed."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on; `process_exception` does the work."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Show the page for Busy."""
        if not isinstance(error, Busy):
            return None
        response = render(request, "503.html", status=503)
        response["Retry-After"] = "5"
        return response
