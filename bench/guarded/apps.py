"""The bench's own app: never part of the site."""

from django.apps import AppConfig


class GuardedConfig(AppConfig):
    """Guardian's tables with foreign keys."""

    name = "bench.guarded"
    label = "bench_guarded"
    default_auto_field = "django.db.models.BigAutoField"
