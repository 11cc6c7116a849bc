"""What somebody searches for: sent by POST and kept in their session, so that no address and no log holds it.

The page of a search is `?q=<token>`, beside the other filters: Back, further pages and the export of the list lead to
the same rows. The words lie encrypted in the session and end with it; a token of another session finds nothing.
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
SEARCHES = "searches"  # in the session: what was searched for last, by token
KEPT = 20
LONGEST = 500  # characters that are kept of one field


class SearchForm(forms.Form):
    """A form that narrows a list. What is typed into its `words` stays out of the address."""

    is_filter = True  # nothing here has to be filled in, so nothing is called optional
    words: ClassVar[tuple[str, ...]] = ()


def redirect_to_results(request: HttpRequest, form: SearchForm) -> HttpResponse:
    """Keep the words of a form that was sent, and lead to its page. What the form refuses is kept like a word: it can
    be anything, and stands on the page again."""
    form.is_valid()
    typed = {name: form.data.get(name, "").strip()[:LONGEST] for name in form.fields}
    words = {
        name: text for name, text in typed.items() if text and (name in form.words or name in form.errors)
    }
    query = {IN_ADDRESS: keep(request, words)} if words else {}
    query |= {name: text for name, text in typed.items() if text and name not in words}
    return HttpResponseRedirect(f"{request.path}?{urlencode(query)}" if query else request.path)


def keep(request: HttpRequest, words: dict[str, str]) -> str:
    """Keep what was searched for on this page; the token that finds it again."""
    token = secrets.token_urlsafe(12)
    encrypted = encryption.encrypt(json.dumps(words).encode(), bound_to=_place(token))
    searches = request.session.get(SEARCHES, {}) | {token: base64.b64encode(encrypted).decode()}
    request.session[SEARCHES] = dict(list(searches.items())[-KEPT:])
    return token


def words_of(request: HttpRequest) -> dict[str, str] | None:
    """What the address's token stands for in this session: nothing without one, None for one that isn't there."""
    token = request.GET.get(IN_ADDRESS)
    if token is None:
        return {}
    encrypted = request.session.get(SEARCHES, {}).get(token)
    if encrypted is None:
        return None
    try:
        return json.loads(encryption.decrypt(base64.b64decode(encrypted), bound_to=_place(token)))
    except encryption.NotDecryptable:  # under a key that is gone
        return None


def filters_of(request: HttpRequest, form_class: type[forms.Form]) -> dict[str, str]:
    """What a list is narrowed by: the words that the token stands for, and the other filters from the address."""
    words = getattr(form_class, "words", ())
    shown = {name: request.GET[name] for name in form_class.base_fields if name in request.GET}
    return {name: text for name, text in shown.items() if name not in words} | (words_of(request) or {})


def is_over(request: HttpRequest) -> bool:
    """Whether the page is of a search that this session doesn't know (any more)."""
    return words_of(request) is None


def _place(token: str) -> str:
    return f"search {token}"
