"""Between a signed-in person and every app: the second factor, and a page for when too many sign in at once."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from accounts.hashing import Busy
from accounts.queries import is_enrolled
from accounts.recent import is_confined, redirect_to_confirm
from api.problems import MEDIA_TYPE, problem

# What is open to whoever is signed in and has shown no second factor, where one is required. Each page of
# `accounts` among them asks for more by itself.
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
    """Confine a session without its second factor to getting one, the API and the admin included."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: object, args: object, kwargs: object
    ) -> HttpResponse | None:
        match = request.resolver_match
        assert match is not None  # it is what found this view
        if match.view_name in OPEN or not is_confined(request):
            return None
        if match.namespaces[:1] == ["api"]:
            said = problem(403, _("A second step is needed: sign in with it first."))
            return JsonResponse(said, status=403, content_type=MEDIA_TYPE)
        return redirect_to_confirm(request) if is_enrolled(request.user) else redirect("accounts:security")


class BusyPage:
    """Tell who comes when too many passwords are being hashed to come again in a moment."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, Busy):
            return None
        response = render(request, "503.html", status=503)
        response["Retry-After"] = "5"
        return response
