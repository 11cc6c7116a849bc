"""Consents."""

from dataclasses import replace
from datetime import date

from beneficiaries.models import Case, Consent, ConsentChange
from beneficiaries.operations.consent import ConsentAnswer, correct_consent, record_consent
from core.clock import now
from tests.factories.access import organisation
from tests.factories.scene import LATER, LEADS, NOBODY, WORKS, Scene, makes


def share_with_iom(case: Case, by, *, agrees: bool = True, until_on: date | None = None):
    return record_consent(
        case=case,
        purpose="sharing",
        organisation=organisation("IOM"),
        is_given=agrees,
        given_by="self",
        how="spoken",
        until_on=until_on,
        by=by,
        now=now(),
    )


def corrected_consent(consent: Consent, by, *, reason: str = "Written down wrongly.", **changes) -> Consent:
    """Correct fields of a consent on its present version."""
    row = Consent.objects.get(pk=consent.pk)
    answer = replace(ConsentAnswer.of(row), **changes)
    return correct_consent(consent=row, answer=answer, version=row.version, reason=reason, by=by, now=now())


@makes(Consent, reads=WORKS, adds=LEADS, changes=LEADS)
@makes(ConsentChange, reads=WORKS, adds=LEADS, changes=NOBODY, copy=LATER)
def _consents(scene: Scene) -> Consent:
    with scene.acting() as by:
        if scene.shares is not None:
            share_with_iom(scene.case, by, agrees=scene.shares)
        services = scene.case.consents.get(purpose="services")
        answer = replace(ConsentAnswer.of(services), how="signature", reason=f"{services.reason} Ill.")
        reason = scene.token("consent_reason")
        return correct_consent(
            consent=services, answer=answer, version=services.version, reason=reason, by=by, now=now()
        )
