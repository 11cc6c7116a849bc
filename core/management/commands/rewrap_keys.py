"""Wrap every key with the newest of FIELD_KEYS, so that an older one can be taken away."""

from django.core.management.base import BaseCommand

from core import rewrapping


class Command(BaseCommand):
    help = "Wrap the keys of people and cases with the newest of FIELD_KEYS. As the owner; may run any number of times."

    def handle(self, *args: object, **options: object) -> None:
        found = rewrapping.rewrap()
        self.stdout.write(f"keys {found.keys} rewrapped {found.rewrapped} others {found.others}")
