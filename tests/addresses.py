"""Every address of the site, read from the URL resolver, and who opens it."""

import re
import uuid

from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver


def patterns(resolver=None, prefix: str = "") -> list[tuple[str, str]]:
    """Return (name, route) of every address, including the Django admin's; namespaces are joined by colons."""
    found = []
    for entry in (resolver or get_resolver()).url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            found += [
                (f"{entry.namespace}:{name}" if entry.namespace else name, path)
                for name, path in patterns(entry, route)
            ]
        elif isinstance(entry, URLPattern):
            found.append((entry.name or route, route))
    return found


def fill(route: str, values: dict[str, list[str]]) -> list[str]:
    """Return the route with each parameter replaced by each value known for its name."""
    match = re.search(r"<(?:\w+:)?(\w+)>", route)
    if match is None:
        return ["/" + re.sub(r"[\^$]|\\Z|\(\?P.*?\)", "", route)]
    name = match.group(1)
    return [
        address
        for value in values.get(name, [str(uuid.UUID(int=7))])
        for address in fill(route[: match.start()] + value + route[match.end() :], values)
    ]


def address_of(route: str, values: dict[str, str]) -> str:
    """Return the route with its parameters replaced by these values; an unknown one by an id that nothing has."""

    def value(match):
        return values.get(match.group(1), str(uuid.UUID(int=7)))

    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", value, re.sub(r"[\^$]|\\Z", "", route))


def enter(client, demo_users, username: str) -> None:
    """Sign in unless this user is signed in already. The cookie shows it: signing out deletes it."""
    cookie = client.cookies.get(settings.SESSION_COOKIE_NAME)
    if getattr(client, "entered", None) != (username, cookie and cookie.value):
        client.logout()
        if username != "nobody":
            client.force_login(demo_users[username])
        cookie = client.cookies.get(settings.SESSION_COOKIE_NAME)
        client.entered = (username, cookie and cookie.value)
