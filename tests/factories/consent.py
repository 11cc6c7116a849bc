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


def corrected_consent(
    consent: Consent, by, *, reason: str = "Written down wrongly.", why: str = "", **changes
) -> Consent:
    """Correct fields of a consent on its present version; `why` nobody could be asked, and the reason to correct."""
    row = Consent.objects.get(pk=consent.pk)
    answer = replace(ConsentAnswer.of(row), **changes | ({"reason": why} if why else {}))
    return correct_consent(consent=row, answer=answer, version=row.version, reason=reason, by=by, now=now())


@makes(Consent, reads=WORKS, adds=LEADS, changes=LEADS)
@makes(ConsentChange, reads=WORKS, adds=LEADS, changes=NOBODY, copy=LATER)
def _consents(scene: Scene) -> Consent:
    """The consent to services, corrected, and what she answered about IOM."""
    reason = scene.token("consent_reason")
    with scene.acting() as by:
        services = scene.case.consents.get(purpose="services")
        corrected_consent(services, by, how="signature", why=f"{services.reason} Ill.", reason=reason)
        if scene.shares is None:
            return services
        return share_with_iom(scene.case, by, agrees=scene.shares)
