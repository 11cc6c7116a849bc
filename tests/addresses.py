"""Every address of the site, read from the URL resolver."""

import re
import uuid

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
