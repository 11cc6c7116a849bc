"""Fill in a page's form as a browser would: hidden fields and preselected values are sent too."""

import re
from html.parser import HTMLParser
from urllib.parse import parse_qsl


class _Forms(HTMLParser):
    """All forms of a page: the action, and what would be sent if nothing were changed."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[dict] = []
        self._select: str | None = None
        self._textarea: str | None = None

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "form":
            self.forms.append(
                {"action": given.get("action", ""), "method": given.get("method", "get"), "data": {}}
            )
        if not self.forms or (not given.get("name") and tag not in ("option",)):
            return
        data = self.forms[-1]["data"]
        if tag == "input" and given.get("type") in ("radio", "checkbox"):
            if "checked" in given:
                data.setdefault(given["name"], []).append(given.get("value", "on"))
        elif tag == "input":
            data[given["name"]] = [given.get("value", "")]
        elif tag == "select":
            self._select = given["name"]
        elif tag == "option" and self._select and ("selected" in given or self._select not in data):
            data[self._select] = [
                given.get("value", "")
            ]  # a list box sends its first option where none is selected
        elif tag == "textarea":
            self._textarea = given["name"]
            data[given["name"]] = [""]

    def handle_endtag(self, tag):
        if tag == "select":
            self._select = None
        if tag == "textarea":
            self._textarea = None

    def handle_data(self, text):
        if self._textarea:
            self.forms[-1]["data"][self._textarea][0] += text.removeprefix("\n")


def forms_of(response) -> list[dict]:
    """Return the forms of a page, except those of its header."""
    parser = _Forms()
    parser.feed(response.content.decode())
    return [
        form
        for form in parser.forms
        if "/logout/" not in form["action"] and "/language/" not in form["action"]
    ]


def submit(client, address: str, changes: dict, *, action: str = "", follow: bool = True):
    """Open a page, change some fields of its form (the one with this action) and send it."""
    page = client.get(address)
    assert page.status_code == 200, (address, page.status_code)
    form = next(
        form
        for form in forms_of(page)
        if form["method"] == "post"
        and (not action or form["action"].endswith(action))
        and _has(form, changes)
    )
    data = form["data"] | {
        name: value if isinstance(value, list) else [value] for name, value in changes.items()
    }
    data.pop("csrfmiddlewaretoken", None)
    return client.post(form["action"] or address, data, follow=follow)


def _has(form: dict, changes: dict) -> bool:
    """Whether this is the form whose `which` field has the wanted value; a page may have several forms."""
    which = changes.get("which")
    return which is None or form["data"].get("which") == [which]


def visit(client, address: str):
    """Open a page; a query that searches is sent by the page's search form, with the filters beside it."""
    path, _mark, query = address.partition("?")
    if not re.search(r"(^|&)(find|username|reference)=", query):
        return client.get(address)
    return client.post(path, dict(parse_qsl(query, keep_blank_values=True)), follow=True)


def text_of(response) -> str:
    return response.content.decode()
