"""Print docs/who-sees-what.md from the models' access policies."""

from django.core.management.base import BaseCommand

from core.access import COMMANDS, AccessPolicy, Open
from core.policies import own_models, policy_of

HEAD = """# Who sees what

Printed by `manage.py who_sees_what` from the `access_policy` of each model; a test fails when it is stale. `lead` opens
everything, `working` what its row says, `referral` the items of one referral, and `summary` the case reference and
amounts. A dash: nobody, through the application. Python's scope and PostgreSQL's policies are made from the same
declarations. A user who has summary access to single programmes reads, of what `summary` opens, the cases of these
programmes; where the table says `of a programme`, only the rows of these programmes.
"""


def page() -> str:
    """Return the whole page, in Markdown."""
    by_heading: dict[str, list[str]] = {}
    free = ["| table | the application may | because |", "|---|---|---|"]
    for model in own_models():
        policy, name = policy_of(model), model._meta.label
        if isinstance(policy, AccessPolicy):
            cells = [name, *(policy.in_words(command) for command in COMMANDS), policy.because]
            by_heading.setdefault(policy.heading, []).append(f"| {' | '.join(cells)} |")
        elif isinstance(policy, Open):
            free.append(f"| {name} | {', '.join(policy.commands).lower()} | {policy.because} |")
    parts = [HEAD]
    for heading, rows in sorted(by_heading.items()):
        parts += [
            f"## {heading}\n",
            "| table | read | add | change | remove | because |",
            "|---|---|---|---|---|---|",
        ]
        parts += [*rows, ""]
    return "\n".join([*parts, "## Configuration, open to all who are signed in\n", *free]) + "\n"


class Command(BaseCommand):
    """`manage.py who_sees_what`."""

    help = "Print docs/who-sees-what.md."

    def handle(self, *args, **options) -> None:
        """Print the page."""
        self.stdout.write(page(), ending="")
