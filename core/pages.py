"""From a form to one operation to a redirect, the same way on every page."""

import logging
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from core import idempotency
from core.forms import OnceForm
from core.integrity import violated

logger = logging.getLogger(__name__)


def submit(
    request: HttpRequest, form: OnceForm, *, purpose: str, deed: Callable[[], str]
) -> HttpResponse | None:
    """Carry out a valid form once and go where it leads; None where the page must be shown again.

    `deed` runs one operation and returns an address. What it refuses stands on the form, with all that was
    typed, and nothing is written.
    """
    if request.method != "POST" or not form.is_valid():
        return None
    key = form.cleaned_data["form_key"]
    try:
        with transaction.atomic():
            led = idempotency.claim(key, by=request.user, purpose=purpose)
            if led is None:
                led = deed()
                idempotency.settle(key, by=request.user, result=led)
    except ValidationError as error:
        form.take(error)
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
    return HttpResponseRedirect(led or "/")


def own_address(request: HttpRequest, wanted: str) -> str:
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
    return HttpResponse(render_to_string("404.html"), status=404)
