"""Handling a submitted form: one operation, then a redirect; and addresses, offsets and error pages."""

import logging
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.signing import Signer
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.defaults import permission_denied

from core import idempotency
from core.forms import OnceForm
from core.integrity import violated

logger = logging.getLogger(__name__)

LANDING, LANDING_SECONDS = "landing", 60


def submit(
    request: HttpRequest, form: OnceForm, *, purpose: str, action: Callable[[], str]
) -> HttpResponse | None:
    """Carry out a valid form once and redirect. Returns None if the page must be shown (again).

    `action` runs one operation and returns the address to go to. If the operation refuses, nothing is written, and the
    form shows the error with everything that was typed.
    """
    if request.method != "POST" or not form.is_valid():
        return None
    form_key = form.cleaned_data["form_key"]
    try:
        with transaction.atomic():
            address = idempotency.claim(form_key, by=request.user, purpose=purpose)
            if address is None:
                address = action()
                idempotency.settle(form_key, by=request.user, result=address)
    except ValidationError as error:
        form.add_refusal(error)
        return None
    except IntegrityError as error:
        # A constraint refused what the rules allowed: another user was a moment faster.
        logger.warning("%s refused by %s", purpose.partition(":")[0], violated(error))
        form.add_error(
            None,
            _(
                "This could not be saved: something changed in the meantime. Look at the case again, then retry."
            ),
        )
        return None
    return redirect_after_action(request, address or "/")


def redirect_after_action(request: HttpRequest, address: str) -> HttpResponseRedirect:
    """Redirect to the address that an action returned, even if that action has just closed the page to this user.

    A short-lived cookie holds a signature of the user and the address. If the page can't be opened any more,
    `not_found` and `forbidden` redirect to the nearest page above it, where the confirmation is shown.
    """
    response = HttpResponseRedirect(address)
    response.set_cookie(
        LANDING,
        _landing(request, urlsplit(address).path),
        max_age=LANDING_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response


def _landing(request: HttpRequest, path: str) -> str:
    return Signer(salt=LANDING).signature(f"{request.user.pk} {path}")


def _redirect_from_closed_page(request: HttpRequest) -> HttpResponseRedirect | None:
    """Return a redirect away from a page that isn't open, only if an action of this user's own led here.

    A form that was carried out and is submitted again, to a page that it has closed, leads to its first result.
    """
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return None
    if request.method == "POST":
        result = idempotency.result_of(_form_key(request), by=request.user)
        return redirect_after_action(request, result) if result else None
    is_landing = constant_time_compare(request.COOKIES.get(LANDING, ""), _landing(request, request.path))
    if is_landing and request.path != "/":
        return redirect_after_action(request, _page_above(request.path))
    return None


def _form_key(request: HttpRequest) -> str:
    """Return the key of the submitted form; "" without a page that could have read it, or if it can't be read."""
    if request.resolver_match is None:
        return ""
    try:
        return request.POST.get("form_key", "")
    except Exception:  # whatever was sent, a page that reports an error must not raise another
        return ""


def _page_above(path: str) -> str:
    """Return the nearest address above this one that is a page."""
    while path != "/":
        path = path.rstrip("/").rpartition("/")[0] + "/"
        with suppress(Resolver404):
            resolve(path)
            return path
    return path


def safe_address(request: HttpRequest, wanted: str) -> str:
    """Return `wanted` as a path of this site with its query; "/" if it leads anywhere else.

    Use it instead of `redirect` for an address from the request: `redirect` would also take it for a view's name.
    """
    if not url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure()):
        return "/"
    found = urlsplit(wanted)
    if not found.path.startswith("/") or found.path.startswith(("//", "/\\")):
        return "/"
    return f"{found.path}?{found.query}" if found.query else found.path


def offset_of(request: HttpRequest) -> int:
    """Return how many rows come before this page, from the query parameter `from`; 0 if it isn't a number."""
    given = request.GET.get("from", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0


def page_url(request: HttpRequest, start: int) -> str:
    """Return the query string of the same list with the same filters, starting at another row."""
    filters = {name: value for name, value in request.GET.items() if name != "from" and value}
    return "?" + urlencode({**filters, "from": start})


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Return the 404 page, with the same bytes for what is hidden and what doesn't exist: no token, no name."""
    return _redirect_from_closed_page(request) or HttpResponse(render_to_string("404.html"), status=404)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return Django's 403 page, unless the user's own action led here."""
    return _redirect_from_closed_page(request) or permission_denied(request, exception)
