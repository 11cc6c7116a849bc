"""From a form to one operation to a redirect, the same way on every page."""

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
    """Carry out a valid form once and go where it leads; None where the page must be shown again.

    `action` runs one operation and returns an address. What it refuses stands on the form, with all that was
    typed, and nothing is written.
    """
    if request.method != "POST" or not form.is_valid():
        return None
    key = form.cleaned_data["form_key"]
    try:
        with transaction.atomic():
            led = idempotency.claim(key, by=request.user, purpose=purpose)
            if led is None:
                led = action()
                idempotency.settle(key, by=request.user, result=led)
    except ValidationError as error:
        form.add_refusal(error)
        return None
    except IntegrityError as error:
        # A constraint caught what a rule let through: somebody else was a moment faster.
        logger.warning("%s refused by %s", purpose, violated(error))
        form.add_error(
            None,
            _(
                "This could not be saved: something changed in the meantime. Look at the case again, then retry."
            ),
        )
        return None
    return redirect_after_action(request, led or "/")


def redirect_after_action(request: HttpRequest, address: str) -> HttpResponseRedirect:
    """Go where an action leads, which may be a page that the same action has just closed to this user.

    A short-lived cookie marks the address, by a signature that tells nothing. Where the page doesn't open any more,
    `not_found` and `forbidden` then lead on to the nearest page above it, and the confirmation is shown there.
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


def _instead(request: HttpRequest) -> HttpResponseRedirect | None:
    """Where to lead on from a page that isn't open: after an action of this user's own, and only then.

    A form that was carried out and is sent once more, to a page that it has closed, leads where it led at first.
    """
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return None
    if request.method == "POST":
        led = idempotency.result_of(request.POST.get("form_key", ""), by=request.user)
        return redirect_after_action(request, led) if led else None
    is_landing = constant_time_compare(request.COOKIES.get(LANDING, ""), _landing(request, request.path))
    return (
        redirect_after_action(request, _above(request.path)) if is_landing and request.path != "/" else None
    )


def _above(path: str) -> str:
    """The nearest address above this one that is a page."""
    while path != "/":
        path = path.rstrip("/").rpartition("/")[0] + "/"
        with suppress(Resolver404):
            resolve(path)
            return path
    return path


def safe_address(request: HttpRequest, wanted: str) -> str:
    """`wanted` as a path of this site with its query, or the first page where it leads anywhere else.

    What somebody typed is an address and nothing else: `redirect` would also take it for the name of a view.
    """
    if not url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure()):
        return "/"
    found = urlsplit(wanted)
    if not found.path.startswith("/") or found.path.startswith(("//", "/\\")):
        return "/"
    return f"{found.path}?{found.query}" if found.query else found.path


def offset_of(request: HttpRequest) -> int:
    """How many rows come before this page, from `from=` in the address; 0 for what is no number."""
    given = request.GET.get("from", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0


def page_url(request: HttpRequest, start: int) -> str:
    """The same list with the same filters, from another row on."""
    kept = {name: value for name, value in request.GET.items() if name != "from" and value}
    return "?" + urlencode({**kept, "from": start})


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The same bytes for what is hidden and what doesn't exist: no form, no token, nobody's name."""
    return _instead(request) or HttpResponse(render_to_string("404.html"), status=404)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's own page of refusal, but for who lands there by an action of their own."""
    return _instead(request) or permission_denied(request, exception)
