"""The export of the register of grants: case references and amounts, no name."""

from collections.abc import Generator, Mapping
from datetime import date
from uuid import UUID

from django import forms
from django.db.models import Exists, OuterRef, QuerySet, Subquery, Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.choices import Permission
from beneficiaries.choices import Level
from beneficiaries.exports.kinds import CHUNK, Kind
from beneficiaries.models import CaseAccess
from core.spreadsheets import Cell
from reintegration import queries
from reintegration.choices import GrantState, Livelihood
from reintegration.models import Grant, Instalment


def columns() -> list[str]:
    """Return the column titles."""
    return [
        _("Case"),
        _("Programme"),
        _("Budget line"),
        _("For"),
        _("State"),
        _("Amount, NPR"),
        _("Paid so far"),
        _("Requested on"),
        _("Approved on"),
    ]


def rows(user, organisation_id: UUID, filters: Mapping[str, str], on: date) -> QuerySet[Grant]:
    """Return grants of cases that the organisation has access to.

    Consent doesn't matter, as spent money must be accounted for and no one is named.
    """
    accessible = CaseAccess.objects.opening(user, Level.SUMMARY).filter(
        case=OuterRef("case_id"), organisation_id=organisation_id, user=None
    )
    return queries.grants_for(user).filter(Exists(accessible))


def cells(user, found: QuerySet[Grant], on: date) -> Generator[list[Cell]]:
    """Yield the cells of each row, fetched in chunks."""
    paid = Instalment.objects.visible_to(user).filter(grant=OuterRef("pk"), state="paid").order_by()
    total = paid.values("grant").annotate(total=Sum("amount_npr")).values("total")
    states, purposes = dict(GrantState.choices), dict(Livelihood.choices)
    for grant in found.annotate(paid_npr=Subquery(total)).iterator(chunk_size=CHUNK):
        yield [
            grant.case.reference,
            grant.project.code,
            grant.budget_line.code,
            str(purposes[grant.livelihood]),
            str(states[grant.state]),
            float(grant.amount_npr),
            float(grant.paid_npr or 0),
            timezone.localdate(grant.requested_at).isoformat(),
            timezone.localdate(grant.approved_at).isoformat() if grant.approved_at else "",
        ]


GRANTS = Kind(
    title=gettext_lazy("Register of grants"),
    opened_by=(Permission.READ_SUMMARIES,),
    filters=forms.Form,  # the register has no filters
    columns=columns,
    rows=rows,
    cells=cells,
)
