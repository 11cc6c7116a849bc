"""How much of a thing an organisation holds, said once for Python and for the database.

A model under the wall carries `wall = Wall(...)`: the lowest level that reads it and the lowest that
adds, changes or removes it. `core.policies` makes PostgreSQL's policies from that; the querysets of
the rooms make Python's scope from the same lines.
"""

from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _


class Level(models.TextChoices):
    """What an organisation opens. Not a ladder: `slice` and `reference` stand side by side."""

    LEAD = "lead", _("leads the case")
    WORKING = "working", _("works on it with the lead")
    SLICE = "slice", _("received a referral")
    REFERENCE = "reference", _("case reference and figures")


class Confidentiality(models.TextChoices):
    """Who may read a row inside a case. Without the level the row isn't there, blank or otherwise."""

    NORMAL = "normal", _("Everyone who works on the case")
    RESTRICTED = "restricted", _("People of the lead organisation with the right to restricted notes")
    COUNSELLING = "counselling", _("Counsellors of the lead organisation")


OPENED_BY: dict[Level, tuple[Level, ...]] = {
    Level.LEAD: (Level.LEAD,),
    Level.WORKING: (Level.LEAD, Level.WORKING),
    Level.SLICE: (Level.LEAD, Level.WORKING, Level.SLICE),
    Level.REFERENCE: (Level.LEAD, Level.WORKING, Level.REFERENCE),
}

# What somebody who reads case files opens by them: `reference` is for those who see figures only, and
# `slice` for the one organisation that the row was sent to.
OPENED_IN_FULL: dict[Level, tuple[Level, ...]] = {
    needed: tuple(level for level in levels if level not in (Level.REFERENCE, Level.SLICE))
    for needed, levels in OPENED_BY.items()
}


@dataclass(frozen=True)
class Wall:
    """The lowest level for each deed; None where nobody may do it through the application.

    `read` at REFERENCE opens the rows to people who see figures only; `update` or `insert` at
    REFERENCE opens them to people who decide on figures (endorse, approve, pay).
    Whoever sees the figures of single programmes reads, of what `read` opens at REFERENCE, the cases that are in
    one of theirs; where rows have a programme of their own, `programme` is the path to it in Django's words
    ("project", "grant__project") and only rows of theirs are read.
    At SLICE the row names in its column `receiver_id` the one organisation that it was sent to. With
    `by_confidentiality` the row's own `confidentiality` narrows it further (`Confidentiality`). `because` is
    printed in docs/who-sees-what.md.
    """

    read: Level
    insert: Level | None
    update: Level | None
    delete: Level | None
    because: str
    by_confidentiality: bool = False
    programme: str = ""


@dataclass(frozen=True)
class OwnWall:
    """A table without a case: the SQL condition on its own columns for each command (None: nobody).

    Conditions may call `wall.has_user()`, `wall.person()`, `wall.reads()`, `wall.edits()`,
    `wall.figures()`, `wall.shows()`, `wall.programmes()`, `wall.decides()`, `wall.exports()`, `wall.releases()` and
    `wall.audits()`; in a condition, `t` is the table.
    """

    read: str | None
    insert: str | None
    update: str | None
    delete: str | None
    because: str


@dataclass(frozen=True)
class Open:
    """A table that every signed-in part of the application may read; `commands` are what it may do."""

    commands: tuple[str, ...]
    because: str


class ScopedQuerySet(models.QuerySet):
    """The two verbs of every table under the wall. A queryset that forgets one fails loudly."""

    def visible_to(self, user):
        raise TypeError(f"{self.model.__name__} does not say who may see it")

    def editable_by(self, user):
        raise TypeError(f"{self.model.__name__} does not say who may change it")
