"""The site with its record switched off, for gunicorn: what reading a page costs without it. Never part of the site."""

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()

from core import audit  # noqa: E402 - its models can be imported only when the site stands


def _nothing(*args: object, **kwargs: object) -> None:
    """In the place of `audit.read`."""


audit.read = _nothing
