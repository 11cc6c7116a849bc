"""Identity documents."""

from dataclasses import replace

from beneficiaries.models import Case, IdentityDocument
from beneficiaries.operations.identity import IdentityDetails, record_identity_document
from core.clock import now


def an_identity_document(case: Case, by, kind: str = "passport", **changes) -> IdentityDocument:
    """Record a passport of the beneficiary, or another identity document."""
    return record_identity_document(
        beneficiary=case.beneficiary,
        kind=kind,
        details=IdentityDetails(**{"state": "has", "number": "PA1234567"} | changes),
        by=by,
        now=now(),
    )


def corrected_identity(
    document: IdentityDocument, by, *, reason: str = "Misread.", **changes
) -> IdentityDocument:
    """Correct fields of an identity document on its present version."""
    row = IdentityDocument.objects.get(pk=document.pk)
    return record_identity_document(
        beneficiary=row.beneficiary,
        kind=row.kind,
        details=replace(IdentityDetails.of(row), **changes),
        version=row.version,
        reason=reason,
        by=by,
        now=now(),
    )
