"""Wrap every data key with the newest of FIELD_KEYS, so that an older one can be removed."""

from django.core.management.base import BaseCommand

from core import rewrapping


class Command(BaseCommand):
    """`manage.py rewrap_keys`."""

    help = "Wrap all data keys with the newest of FIELD_KEYS. As the owner; may run any number of times."

    def handle(self, *args: object, **options: object) -> None:
        """Print how many keys there are, how many were rewrapped, and how many other rows changed."""
        found = rewrapping.rewrap()
        self.stdout.write(f"keys {found.keys} rewrapped {found.rewrapped} others {found.others}")
