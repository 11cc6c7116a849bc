"""The network address, browser and system of a request, only as exact as needed."""

import ipaddress
import re

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _

# The first one found in the user agent counts: browsers also name those that they are based on.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("CrOS", "Chromebook"),
    ("Linux", "Linux"),
)


def address_of(request: HttpRequest) -> str:
    """Return the client's IPv4 address or IPv6 network (/64); "" if it isn't known."""
    return _network(_client_address(request), 32, 64)


def network_of(request: HttpRequest) -> str:
    """Return the client's network (IPv4 /24, IPv6 /48): enough to recognise a stranger, not to locate anybody."""
    return re.sub(r"(0/24|/48)$", "*", _network(_client_address(request), 24, 48))


def _client_address(request: HttpRequest) -> str:
    """Return the client's address as the outermost trusted proxy saw it.

    Each proxy appends the address that it was reached from, so that entry is the TRUSTED_PROXIES-th from the end.
    Earlier entries may have been sent by the client.
    """
    hops = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    if 0 < settings.TRUSTED_PROXIES <= len(hops):
        return hops[-settings.TRUSTED_PROXIES]
    return request.META.get("REMOTE_ADDR", "")


def _network(text: str, four: int, six: int) -> str:
    """Return the network of an address, with so many bits for IPv4 and IPv6; "" for no address.

    A client with one IPv6 address usually has a whole network of them.
    """
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    bits = four if found.version == 4 else six
    network = ipaddress.ip_network(f"{found}/{bits}", strict=False)
    return str(found if bits == 32 else network)


def device_of(request: HttpRequest) -> str:
    """Return browser and system, such as "Firefox/Android", from a list of common ones."""
    agent = request.META.get("HTTP_USER_AGENT", "")[:300]
    browser, system = (
        next((name for mark, name in known if re.search(rf"\b{mark}", agent)), "")
        for known in (BROWSERS, SYSTEMS)
    )
    return f"{browser}/{system}"


def device_in_words(device: str) -> str:
    """Return what `device_of` found in the user's language."""
    browser, _slash, system = device.partition("/")
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("A program or an unknown browser")
