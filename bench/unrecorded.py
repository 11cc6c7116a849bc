"""The site without the audit log of reading, for gunicorn, to measure what it costs. For the bench only."""

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()

from core import audit  # noqa: E402 - its models can be imported only after setup


def _nothing(*args: object, **kwargs: object) -> None:
    """Replaces `audit.read`."""


audit.read = _nothing
