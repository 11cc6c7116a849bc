"""Search words: sent by POST and stored in the session, so that no URL and no log contains them.

The results are at `?q=<token>` beside the other filters, so Back, further pages and the export of the list use the same
search. The words are encrypted in the session and end with it; another session's token finds nothing.
"""

import base64
import json
import secrets
from typing import ClassVar
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from core import encryption

IN_ADDRESS = "q"
SEARCHES = "searches"  # session key: the last searches by token
KEPT = 20  # searches of one session
LONGEST = 500  # characters of one field


class SearchForm(forms.Form):
    """A form that filters a list. The fields in `words` stay out of the URL."""

    is_filter = True  # no field is required, so none is labelled as optional
    words: ClassVar[tuple[str, ...]] = ()


def redirect_to_results(request: HttpRequest, form: SearchForm) -> HttpResponse:
    """Store the words of a submitted form, and redirect to its results.

    Invalid values are stored like words, as they can be anything; the page shows them again.
    """
    form.is_valid()
    typed = {name: form.data.get(name, "").strip()[:LONGEST] for name in form.fields}
    words = {
        name: text for name, text in typed.items() if text and (name in form.words or name in form.errors)
    }
    query = {IN_ADDRESS: keep(request, words)} if words else {}
    query |= {name: text for name, text in typed.items() if text and name not in words}
    return HttpResponseRedirect(f"{request.path}?{urlencode(query)}" if query else request.path)


def keep(request: HttpRequest, words: dict[str, str]) -> str:
    """Store search words by field in the session and return their token."""
    token = secrets.token_urlsafe(12)
    encrypted = encryption.encrypt(json.dumps(words).encode(), bound_to=_place(token))
    searches = request.session.get(SEARCHES, {}) | {token: base64.b64encode(encrypted).decode()}
    request.session[SEARCHES] = dict(list(searches.items())[-KEPT:])
    return token


def words_of(request: HttpRequest) -> dict[str, str] | None:
    """Return the words of the URL's token: {} without a token, None for a token that this session doesn't have."""
    token = request.GET.get(IN_ADDRESS)
    if token is None:
        return {}
    encrypted = request.session.get(SEARCHES, {}).get(token)
    if encrypted is None:
        return None
    try:
        return json.loads(encryption.decrypt(base64.b64decode(encrypted), bound_to=_place(token)))
    except encryption.NotDecryptable:  # encrypted with a site key that was removed
        return None


def filters_of(request: HttpRequest, form_class: type[forms.Form]) -> dict[str, str]:
    """Return the data for the filter form: the words of the token, and the other filters from the URL."""
    words = getattr(form_class, "words", ())
    shown = {name: request.GET[name] for name in form_class.base_fields if name in request.GET}
    return {name: text for name, text in shown.items() if name not in words} | (words_of(request) or {})


def is_over(request: HttpRequest) -> bool:
    """Return whether the URL's search is not, or no longer, in this session."""
    return words_of(request) is None


def _place(token: str) -> str:
    return f"search {token}"
