"""Who sees what, printed from the models themselves."""

from django.core.management.base import BaseCommand

from core.policies import own_models, wall_of
from core.scoping import OPENED_BY, Level, Open, OwnWall, Wall

HEAD = """# Who sees what

Printed by `manage.py who_sees_what` from the `wall` lines of the models; a test fails when it is stale. Levels: `lead`
opens all; `working` what its line says; `slice` and `reference` stand side by side. A dash: nobody, through the
application. PostgreSQL's policies and Python's scope are made from the same lines. Whoever sees the figures of single
programmes reads, of what `reference` opens, cases that are in one of theirs; where the line says `of a programme`, rows
of theirs alone.
"""


def _level(level: Level | None) -> str:
    return "–" if level is None else ", ".join(f"`{name.value}`" for name in OPENED_BY[level])


def page() -> str:
    """The whole page, in Markdown."""
    linked = ["| table | read | add | change | remove | because |", "|---|---|---|---|---|---|"]
    own = ["| table | read | add | change | remove | because |", "|---|---|---|---|---|---|"]
    free = ["| table | the application may | because |", "|---|---|---|"]
    for model in own_models():
        wall, name = wall_of(model), model._meta.label
        if isinstance(wall, Wall):
            cells = [_level(level) for level in (wall.read, wall.insert, wall.update, wall.delete)]
            cells[0] += " of a programme" if wall.programme else ""
            linked.append(f"| {name} | {' | '.join(cells)} | {wall.because} |")
        elif isinstance(wall, OwnWall):
            cells = [
                "–" if sql is None else "its own"
                for sql in (wall.read, wall.insert, wall.update, wall.delete)
            ]
            own.append(f"| {name} | {' | '.join(cells)} | {wall.because} |")
        elif isinstance(wall, Open):
            free.append(f"| {name} | {', '.join(wall.commands).lower()} | {wall.because} |")
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
    help = "Print docs/who-sees-what.md."

    def handle(self, *args, **options) -> None:
        self.stdout.write(page(), ending="")
