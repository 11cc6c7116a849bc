"""One case, found for a user, and what they may read of it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.authority import authority_of
from accounts.choices import Permission
from beneficiaries.choices import Level
from beneficiaries.models import Case, CaseAccess, CaseFile, CaseNote, EmergencyOpening
from beneficiaries.models.access import CONFIDENTIAL_PERMISSIONS, access_rows
from core import reference
from core.access import NOTHING, Confidentiality, Principal
from core.related import fill_in
from core.statements import Select
from geography.models import District


@dataclass
class _Reader(Principal):
    """Who reads, as parameters of a prepared statement: a user, and where they read cases."""

    user_id: Any
    organisations: Any

    def in_organisations(self, column: str, *permissions: str) -> Q:
        return Q(**{f"{column}__any_of": self.organisations})

    def in_projects(self, column: Any, permission: str) -> Q:
        return NOTHING

    shares_projects = in_projects


def _rows_for_reference(user_id, organisations, reference) -> QuerySet[CaseAccess]:
    rows = access_rows(_Reader(user_id, organisations), Level.WORKING)
    return CaseAccess.objects.filter(rows, case__reference=reference).select_related(
        "case__beneficiary__home_district", "case__beneficiary__home_local_level", "case__lead_organisation"
    )


_select_rows = Select(_rows_for_reference, 3)


def case_by_reference(user, typed: str) -> Case | None:
    """Return the case with this reference if the user works on it, with `may_write`, `may_lead`, … filled in.

    None for a missing case and for one that the user may not open, so that the two can't be told apart.
    """
    wanted = reference.tidy(typed)
    if wanted is None:
        return None
    rows = _select_rows(user.pk, sorted(authority_of(user).where(Permission.READ_CASES)), wanted)
    if not rows:
        return None
    case = rows[0].case
    case.worked_on_by = user.pk
    case.may_write = any(row.opens(user, Permission.WRITE_CASES) for row in rows)
    case.may_erase = may_erase(case, user)
    case.may_lead = any(row.opens(user, Permission.WRITE_CASES, Level.LEAD) for row in rows)
    readable = {
        kind
        for kind, permission in CONFIDENTIAL_PERMISSIONS.items()
        if any(row.opens(user, permission, Level.LEAD) for row in rows)
    }
    case.readable_confidentialities = frozenset({Confidentiality.NORMAL, *readable})
    return case


def worked_on_case(case_id: UUID, user) -> Case | None:
    """Return the case if the user works on it; None otherwise, also for a receiver of a referral."""
    worked_on = CaseAccess.objects.opening(user, Level.WORKING).values("case_id")
    return Case.objects.visible_to(user).filter(pk=case_id, pk__in=worked_on).first()


def may_erase(case: Case, user) -> bool:
    """Return whether the user may erase the beneficiary of this case: only in the organisation that leads it."""
    return authority_of(user).may(Permission.ERASE_BENEFICIARIES, case.lead_organisation_id)


def file_of(case: Case, user) -> CaseFile:
    """Return the case file, for a user who works on the case."""
    (file,) = CaseFile.objects.of(case, user)
    fill_in(District, ([file], "current_district"))
    return file


def notes_of(case: Case, user) -> list[CaseNote]:
    """Return the notes that this user may read, newest first."""
    return CaseNote.objects.of(case, user)


def emergencies_of(case: Case, user) -> list[EmergencyOpening]:
    """Return every emergency opening of the case."""
    return EmergencyOpening.objects.of(case, user)
