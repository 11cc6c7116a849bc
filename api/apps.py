from django.apps import AppConfig


class ApiConfig(AppConfig):
    """The same house for programs: no tables of its own."""

    name = "api"
