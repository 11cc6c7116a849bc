"""Unfinished interviews: one's own, and those that can be given to another user."""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from accounts.authority import authority_of
from accounts.choices import Permission
from accounts.models import Organisation, User
from accounts.queries import may_configure, supervisors_or_iom
from beneficiaries.models import IntakeDraft
from core.encrypted_fields import Encrypted


class OpenDraft(NamedTuple):
    """An unfinished interview, without its content, for a user who may give it to another user.

    `waits`: for a supervisor's decision. `is_orphaned`: its author may no longer write cases there. `decides`: the
    current user may decide on it. `kept_because`: encrypted; see `why_kept`.
    """

    id: UUID
    author_id: UUID
    organisation_id: UUID
    started_at: datetime
    expires_on: date
    is_at_risk: bool
    waits: bool
    is_orphaned: bool
    decides: bool
    kept_because: bytes


def drafts_to_reassign(user) -> list[OpenDraft]:
    """Return the unfinished interviews that this user may give to another user, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM access.drafts_to_reassign()")
        found = [OpenDraft(*row) for row in cursor.fetchall()]
    organisations = {draft.organisation_id for draft in found}
    allowed = {pk for pk in organisations if _may_reassign_drafts(user, pk)}
    return [draft for draft in found if draft.organisation_id in allowed]


def _may_reassign_drafts(user, organisation_id: UUID) -> bool:
    """Return whether the user is a supervisor of drafts there, or may end the access of users there."""
    manages = authority_of(user).may(Permission.MANAGE_USERS, organisation_id) or may_configure(user)
    return manages or user in draft_supervisors(organisation_id)


def why_kept(draft: OpenDraft) -> str:
    """Return the decrypted reason for which a supervisor kept the draft, or ""."""
    if not draft.kept_because:
        return ""
    row = IntakeDraft(pk=draft.id)
    return IntakeDraft._meta.get_field("kept_because").decrypted(row, Encrypted(draft.kept_because))


def own_drafts(user) -> list[IntakeDraft]:
    """Return the user's own unfinished interviews, newest first, 50 at most."""
    return list(IntakeDraft.objects.visible_to(user).unfinished()[:50])


def open_drafts_of(user: User, organisation: Organisation, *, by) -> list[OpenDraft]:
    """Return a user's unfinished interviews in an organisation, as far as `by` may give them to somebody else."""
    return [
        draft
        for draft in drafts_to_reassign(by)
        if draft.author_id == user.pk and draft.organisation_id == organisation.pk
    ]


def draft_supervisors(organisation_id: UUID) -> list[User]:
    """Return who decides about unfinished interviews: the supervisors there, else IOM's protection supervisors."""
    return supervisors_or_iom(organisation_id)
