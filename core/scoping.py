"""Access levels and policies, declared once for Python and for the database.

A model under the access policies has `access_policy = AccessPolicy(...)`: the lowest level that may read its rows and
the lowest that may add, change or delete them. `core.policies` generates PostgreSQL's policies from it, and the apps'
querysets take Python's scope from the same declaration.
"""

from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _


class Level(models.TextChoices):
    """An organisation's access to a case. Not fully ordered: neither of REFERRAL and SUMMARY includes the other."""

    LEAD = "lead", _("leads the case")
    WORKING = "working", _("works on the case with the lead organisation")
    REFERRAL = "referral", _("received a referral")
    SUMMARY = "summary", _("case reference and amounts")


class Confidentiality(models.TextChoices):
    """Who may read a row inside a case. Whoever may not doesn't get the row at all, not even a blank one."""

    NORMAL = "normal", _("Everyone who works on the case")
    RESTRICTED = "restricted", _("Users of the lead organisation who may read restricted notes")
    COUNSELLING = "counselling", _("Counsellors of the lead organisation")


OPENED_BY: dict[Level, tuple[Level, ...]] = {
    Level.LEAD: (Level.LEAD,),
    Level.WORKING: (Level.LEAD, Level.WORKING),
    Level.REFERRAL: (Level.LEAD, Level.WORKING, Level.REFERRAL),
    Level.SUMMARY: (Level.LEAD, Level.WORKING, Level.SUMMARY),
}

# The same for users who read case files: SUMMARY is for users who see amounts only, and REFERRAL for the one
# organisation that received the row.
OPENED_IN_FULL: dict[Level, tuple[Level, ...]] = {
    needed: tuple(level for level in levels if level not in (Level.SUMMARY, Level.REFERRAL))
    for needed, levels in OPENED_BY.items()
}


@dataclass(frozen=True)
class AccessPolicy:
    """The lowest level for each action on a row of a case; None where nobody may do it through the application.

    `read` at SUMMARY lets users with summary access read the rows; `update` or `insert` at SUMMARY lets users who
    decide on amounts (endorse, approve, pay) write them. A user with summary access to single programmes reads only
    the rows of cases in these programmes; if the rows have a programme of their own, `programme` is the Django lookup
    path to it ("project", "grant__project"), and only rows of these programmes are read.

    At REFERRAL the row's column `receiver_id` names the one organisation that it was sent to. With
    `by_confidentiality` the row's own `confidentiality` narrows access further (`Confidentiality`). `because` is the
    reason, printed in docs/who-sees-what.md.
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
    """The policy of a table without a case: for each command an SQL condition on its own columns (None: nobody).

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
    """A table without row policies; `commands` are the SQL commands that the application may use on it."""

    commands: tuple[str, ...]
    because: str


class ScopedQuerySet(models.QuerySet):
    """The base of every queryset under the access policies. A subclass that lacks one of the two methods fails."""

    def visible_to(self, user):
        """Return the rows that the user may read."""
        raise TypeError(f"{self.model.__name__} does not say who may see it")

    def editable_by(self, user):
        """Return the rows that the user may change."""
        raise TypeError(f"{self.model.__name__} does not say who may change it")
