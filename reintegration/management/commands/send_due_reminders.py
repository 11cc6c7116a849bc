"""One sweep, as beat runs it."""

from django.core.management.base import BaseCommand

from reintegration import tasks


class Command(BaseCommand):
    help = "Tell caseworkers of the follow-ups that are due, and send the mail."

    def handle(self, *args, **options) -> None:
        figures = tasks.send_due_reminders()
        self.stdout.write(" ".join(f"{name} {count}" for name, count in figures.items()))
