"""The command `send_due_reminders`."""

from django.core.management.base import BaseCommand

from reintegration import tasks


class Command(BaseCommand):
    """Send due reminders once, as the scheduled task does."""

    help = "Tell caseworkers of the follow-ups that are due, and send the mail."

    def handle(self, *args, **options) -> None:
        """Print the counts."""
        counts = tasks.send_due_reminders()
        self.stdout.write(" ".join(f"{name} {count}" for name, count in counts.items()))
