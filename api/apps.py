"""Configuration of the API app."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """The API: the same functions as the pages, for programs. It has no tables."""

    name = "api"
