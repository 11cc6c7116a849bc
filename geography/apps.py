"""The geography app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class GeographyConfig(AppConfig):
    """Provinces, districts, local levels and countries."""

    name = "geography"
    verbose_name = _("Places")
