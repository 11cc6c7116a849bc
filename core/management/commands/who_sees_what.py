"""Print docs/who-sees-what.md from the models' access policies."""

from django.core.management.base import BaseCommand

from core.policies import own_models, policy_of
from core.scoping import OPENED_BY, AccessPolicy, Level, Open, TablePolicy

HEAD = """# Who sees what

Printed by `manage.py who_sees_what` from the `access_policy` of each model; a test fails when it is stale. `lead` opens
everything, `working` what its row says, `referral` the items of one referral, and `summary` the case reference and
amounts. A dash: nobody, through the application. Python's scope and PostgreSQL's policies are made from the same
declarations. A user who has summary access to single programmes reads, of what `summary` opens, the cases of these
programmes; where the table says `of a programme`, only the rows of these programmes.
"""


def _level(level: Level | None) -> str:
    return "–" if level is None else ", ".join(f"`{name.value}`" for name in OPENED_BY[level])


def page() -> str:
    """Return the whole page, in Markdown."""
    linked = ["| table | read | add | change | remove | because |", "|---|---|---|---|---|---|"]
    own = ["| table | read | add | change | remove | because |", "|---|---|---|---|---|---|"]
    free = ["| table | the application may | because |", "|---|---|---|"]
    for model in own_models():
        policy, name = policy_of(model), model._meta.label
        if isinstance(policy, AccessPolicy):
            cells = [_level(level) for level in (policy.read, policy.insert, policy.update, policy.delete)]
            cells[0] += " of a programme" if policy.programme else ""
            linked.append(f"| {name} | {' | '.join(cells)} | {policy.because} |")
        elif isinstance(policy, TablePolicy):
            cells = [
                "–" if sql is None else "its own"
                for sql in (policy.read, policy.insert, policy.update, policy.delete)
            ]
            own.append(f"| {name} | {' | '.join(cells)} | {policy.because} |")
        elif isinstance(policy, Open):
            free.append(f"| {name} | {', '.join(policy.commands).lower()} | {policy.because} |")
    parts = [
        HEAD,
        "## Rows of a case\n",
        *linked,
        "\n## Rows that belong to an organisation or a person\n",
        *own,
        "\n## Configuration, open to all who are signed in\n",
        *free,
    ]
    return "\n".join(parts) + "\n"


class Command(BaseCommand):
    """`manage.py who_sees_what`."""

    help = "Print docs/who-sees-what.md."

    def handle(self, *args, **options) -> None:
        """Print the page."""
        self.stdout.write(page(), ending="")
