"""How much of a thing an organisation holds, said once for Python and for the database.

A model under the access policies carries `access_policy = AccessPolicy(...)`: the lowest level that reads it and the
lowest that adds, changes or removes it. `core.policies` makes PostgreSQL's policies from that; the querysets of the
apps make Python's scope from the same lines.
"""

from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _


class Level(models.TextChoices):
    """What an organisation opens. Not a ladder: `slice` and `reference` stand side by side."""

    LEAD = "lead", _("leads the case")
    WORKING = "working", _("works on the case with the lead organisation")
    REFERRAL = "referral", _("received a referral")
    SUMMARY = "summary", _("case reference and amounts")


class Confidentiality(models.TextChoices):
    """Who may read a row inside a case. Without the level the row isn't there, blank or otherwise."""

    NORMAL = "normal", _("Everyone who works on the case")
    RESTRICTED = "restricted", _("Users of the lead organisation who may read restricted notes")
    COUNSELLING = "counselling", _("Counsellors of the lead organisation")


OPENED_BY: dict[Level, tuple[Level, ...]] = {
    Level.LEAD: (Level.LEAD,),
    Level.WORKING: (Level.LEAD, Level.WORKING),
    Level.REFERRAL: (Level.LEAD, Level.WORKING, Level.REFERRAL),
    Level.SUMMARY: (Level.LEAD, Level.WORKING, Level.SUMMARY),
}

# What somebody who reads case files opens by them: `reference` is for those who see figures only, and
# `slice` for the one organisation that the row was sent to.
OPENED_IN_FULL: dict[Level, tuple[Level, ...]] = {
    needed: tuple(level for level in levels if level not in (Level.SUMMARY, Level.REFERRAL))
    for needed, levels in OPENED_BY.items()
}


@dataclass(frozen=True)
class AccessPolicy:
    """The lowest level for each action; None where nobody may do it through the application.

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
class TablePolicy:
    """A table without a case: the SQL condition on its own columns for each command (None: nobody).

    Conditions may call `access.has_user()`, `access.user_id()`, `access.reads()`, `access.edits()`,
    `access.summaries()`, `access.shows()`, `access.programmes()`, `access.decides()`, `access.exports()`,
    `access.releases()` and `access.audits()`; in a condition, `t` is the table.
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
    """The two verbs of every table under the access policies. A queryset that forgets one fails loudly."""

    def visible_to(self, user):
        raise TypeError(f"{self.model.__name__} does not say who may see it")

    def editable_by(self, user):
        raise TypeError(f"{self.model.__name__} does not say who may change it")
