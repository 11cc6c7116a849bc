"""Cases: who the beneficiary is and what brought them here, as asked at first and as corrected."""

import uuid
from dataclasses import replace
from datetime import date
from typing import Any

from beneficiaries.models import Beneficiary, BeneficiaryChange, Case, CaseChange, CaseFile
from beneficiaries.operations.correction import correct_beneficiary, correct_situation
from beneficiaries.operations.intake import BeneficiaryDetails, ConsentGiven, Situation, open_case
from core import reference
from core.clock import now
from geography.models import District
from tests.factories.access import organisation
from tests.factories.scene import LATER, LEADS, NOBODY, REFERENCE, WORKS, WRITES, Scene, makes


def beneficiary_details(**changes) -> BeneficiaryDetails:
    given = {
        "first_name": "Sunita",
        "second_name": "Tamang",
        "name_ne": "सुनिता तामाङ",
        "sex": "female",
        "birth_on": date(1996, 5, 4),
        "birth_precision": "day",
        "birth_as_typed": "1996-05-04 AD",
        "citizenship": "NP",
        "home_district_id": District.id_for("302"),
    }
    return BeneficiaryDetails(**given | changes)


def a_situation(**changes) -> Situation:
    given = {
        "groups": ["stranded_migrant", "survivor_of_trafficking"],
        "primary_group": "stranded_migrant",
        "country_of_stay": "KW",
        "current_district_id": District.id_for("302"),
        "risk": "medium",
        "narrative": "Was not paid for a year.",
    }
    return Situation(**given | changes)


def a_case(
    by, code: str = "NGO_A", *, details=None, situation=None, given_by: str = "self", reason: str = ""
) -> Case:
    """Open a case that the organisation leads; must run inside `acting_as` a user who writes cases there."""
    return open_case(
        organisation=organisation(code),
        consent=ConsentGiven(given_by=given_by, how="spoken", reason=reason),
        details=details or beneficiary_details(),
        situation=situation or a_situation(),
        by=by,
        now=now(),
    )


def another_case_of(case: Case) -> Case:
    """Return a second case of the same beneficiary, with a case file of its own."""
    made = Case(
        beneficiary=case.beneficiary,
        lead_organisation=case.lead_organisation,
        opened_on=now().date(),
        changed_on=now().date(),
        reference=reference.make(),
    )
    made.save(force_insert=True)
    file = CaseFile.objects.get(case=case)
    texts = {name: getattr(file, name) for name in ("narrative", "needs", "htcds")}
    file.pk, file.case, file.risk = uuid.uuid4(), made, "unknown"
    for name, value in texts.items():
        setattr(file, name, value)
    file.save(force_insert=True)
    return made


def corrected(case: Case, by, reason: str = "Misheard at first.") -> None:
    """A field of the record and one of the situation, each corrected."""
    row, file = Beneficiary.objects.get(pk=case.beneficiary_id), CaseFile.objects.get(case=case)
    why: dict[str, Any] = {"reason": reason, "by": by, "now": now()}
    details = replace(BeneficiaryDetails.of(row), safe_contact=f"{row.safe_contact} After five.")
    correct_beneficiary(beneficiary=row, details=details, version=row.version, **why)
    situation = replace(Situation.of(file), needs=f"{file.needs} And a bed.")
    correct_situation(case=case, situation=situation, version=file.version, **why)


@makes(Beneficiary, of="pk", reads=WORKS, adds=LEADS, changes=LEADS)
@makes(Case, of="pk", reads=REFERENCE, adds=LEADS, changes=WRITES)
@makes(CaseFile, reads=WORKS, adds=WRITES, changes=WRITES)
def _case(scene: Scene) -> Case:
    details = scene.tokens(Beneficiary, BeneficiaryDetails) | {"phone": scene.number}
    texts = scene.tokens(CaseFile, Situation) | {"htcds": {"vic_LocationOfRecruitment": scene.token("htcds")}}
    with scene.acting() as by:
        return a_case(
            by,
            scene.code,
            details=beneficiary_details(**details),
            situation=a_situation(risk="unknown", **texts),
            given_by="best_interests",
            reason=scene.token("reason"),
        )


@makes(BeneficiaryChange, of="beneficiary", reads=WORKS, adds=LEADS, changes=NOBODY, copy=LATER, by="by_id")
@makes(CaseChange, reads=WORKS, adds=WRITES, changes=NOBODY, copy=LATER)
def _corrections(scene: Scene) -> None:
    with scene.acting() as by:
        corrected(scene.case, by, reason=scene.token("correction_reason"))
