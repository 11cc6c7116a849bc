"""Identity documents of a beneficiary, and other records with the same number."""

from collections.abc import Collection
from datetime import date
from uuid import UUID

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from beneficiaries.choices import IdentityState
from beneficiaries.identity import number_indexes_sought
from beneficiaries.models import Case, IdentityDocument


def identity_documents_of(case: Case, user) -> list[IdentityDocument]:
    """Return what is known about the identity documents of the beneficiary, in the order of recording."""
    rows = IdentityDocument.objects.visible_to(user).filter(beneficiary=case.beneficiary_id)
    return list(rows.select_related("issued_district", "recorded_by"))


def cases_with_same_number(
    case: Case, documents: Collection[IdentityDocument], user
) -> dict[UUID, list[Case]]:
    """Return by document the cases of other beneficiaries of the same organisation whose document has its number.

    Only cases that this user works on: nobody learns of a number in a record that they may not read.
    """
    owners: dict[bytes, UUID] = {
        index: row.pk for row in documents if row.number for index in number_indexes_sought(row.number)
    }
    if not owners:
        return {}
    same = IdentityDocument.objects.visible_to(user).filter(
        number_index__in=owners, beneficiary__organisation=case.beneficiary.organisation_id
    )
    others = {
        row.beneficiary_id: owners[bytes(row.number_index)]
        for row in same.exclude(beneficiary=case.beneficiary_id).only("beneficiary", "number_index")
    }
    found: dict[UUID, list[Case]] = {}
    if others:
        cases = Case.objects.visible_to(user).filter(beneficiary__in=others)
        for other in cases.order_by("-changed_on", "id"):
            found.setdefault(others[other.beneficiary_id], []).append(other)
    return found


def document_lines(row: IdentityDocument, *, on: date | None = None) -> list[str]:
    """Return what is on an identity document and who keeps it, a line each; expired or not on a day."""
    has_expired = on is not None and row.expires_on is not None and row.expires_on < on
    lines = (
        row.number,
        row.issued_on and _("Issued on %s") % date_format(row.issued_on),
        row.issued_district and _("Issued in %s") % row.issued_district.name,
        row.expires_on
        and (_("Expired on %s") if has_expired else _("Expires on %s")) % date_format(row.expires_on),
        row.kept_by and _("Kept by: %s") % row.kept_by,
    )
    return [line for line in lines if line]


def documents_in_words(case: Case, user) -> str:
    """Return all identity documents of the beneficiary as a referral shares them; "" where none is known."""
    return "\n".join(
        ", ".join((f"{row.get_kind_display()}: {row.get_state_display()}", *document_lines(row)))
        for row in identity_documents_of(case, user)
        if row.state != IdentityState.UNKNOWN
    )
