"""Identity documents."""

from dataclasses import replace

from beneficiaries.models import Case, IdentityDocument, IdentityDocumentChange
from beneficiaries.operations.identity import IdentityDetails, record_identity_document
from core.clock import now
from tests.factories.scene import LATER, LEADS, NOBODY, WORKS, Scene, makes


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


@makes(IdentityDocument, of="beneficiary", reads=WORKS, adds=LEADS, changes=LEADS)
@makes(
    IdentityDocumentChange,
    of="document__beneficiary",
    reads=WORKS,
    adds=LEADS,
    changes=NOBODY,
    copy=LATER,
    by="by_id",
)
def _identity(scene: Scene) -> IdentityDocument:
    texts = scene.tokens(IdentityDocument, IdentityDetails) | {"number": f"PA{scene.number}"}
    with scene.acting() as by:
        document = an_identity_document(scene.case, by, state="kept", **texts)
        reason = scene.token("number_reason")
        return corrected_identity(document, by, number=f"PB{scene.number}", reason=reason)
