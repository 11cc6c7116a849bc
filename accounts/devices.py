"""From where a request comes and with what, told only as far as it is needed."""

import ipaddress
import re

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _

# The first that is found names it; a browser names those that it is made from, too.
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
    """The visitor's address, of IPv6 the network; "" where it isn't known."""
    return _shaped(_given(request), 32, 64)


def network_of(request: HttpRequest) -> str:
    """Roughly from where: enough to say "not me", too little to find a house."""
    return re.sub(r"(0/24|/48)$", "*", _shaped(_given(request), 24, 48))


def _given(request: HttpRequest) -> str:
    """Each proxy appends whom it was reached by, so the entry that the outermost trusted one wrote stands as many
    places from the end as there are proxies. What stands before it a stranger may have sent.
    """
    hops = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    if 0 < settings.TRUSTED_PROXIES <= len(hops):
        return hops[-settings.TRUSTED_PROXIES]
    return request.META.get("REMOTE_ADDR", "")


def _shaped(text: str, four: int, six: int) -> str:
    """The network that an address lies in; who has one IPv6 address has as many as they like."""
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
    """Browser and system, by a list of those that are common: "Firefox/Android"."""
    agent = request.META.get("HTTP_USER_AGENT", "")[:300]
    browser, system = (
        next((name for mark, name in known if re.search(rf"\b{mark}", agent)), "")
        for known in (BROWSERS, SYSTEMS)
    )
    return f"{browser}/{system}"


def device_in_words(device: str) -> str:
    browser, _slash, system = device.partition("/")
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("A program or an unknown browser")
