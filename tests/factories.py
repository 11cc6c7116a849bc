"""Make beneficiaries, cases and grants through the same operations as the pages."""

import uuid
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from accounts.approval import requests_to_decide
from accounts.models import AccessRequest, Membership, Organisation, User
from accounts.operations import ask_role, decide_access, save_membership, save_organisation, save_user
from beneficiaries.models import (
    Beneficiary,
    Case,
    CaseFile,
    CaseTransfer,
    Consent,
    Document,
    Enrolment,
    Export,
    IdentityDocument,
    Referral,
)
from beneficiaries.operations import (
    BeneficiaryDetails,
    ConsentAnswer,
    ConsentGiven,
    IdentityDetails,
    Situation,
    add_document,
    add_note,
    ask_and_offer,
    ask_export,
    break_glass,
    correct_beneficiary,
    correct_consent,
    correct_situation,
    open_case,
    reassign_cases,
    record_consent,
    record_identity_document,
    record_screening,
    send_referral,
    take_over_case,
)
from core import reference
from core.access import Confidentiality
from core.clock import now
from core.context import acting_as
from geography.models import District
from projects.facts import FACTS
from projects.models import BudgetLine, Project
from projects.operations import start_new_phase
from projects.queries import current_criteria
from projects.rules import facts_named
from reintegration import operations
from reintegration.models import Grant, Plan
from tests import uploaded_files

PURPOSE = "Stove, cups and the first goods of a tea shop."


def set_up() -> None:
    """Let access be given without a second user for the rest of this transaction (tests/databases.py)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tests.set_up()")


def organisation(code: str) -> Organisation:
    return Organisation.objects.get(code=code)


def project(code: str = "RASNM-2") -> Project:
    return Project.objects.get(code=code)


def another_programme(code: str = "OTHER") -> Project:
    """Return a new programme like RASNM-2, of the same organisation; no role is given it by default."""
    like = project()
    return start_new_phase(
        project=like, code=code, starts_on=like.starts_on, ends_on=like.ends_on, by=None, now=now()
    )


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


def a_case(by, code: str = "NGO_A", *, details=None, situation=None, given_by: str = "self") -> Case:
    """Open a case that the organisation leads; must run inside `acting_as` a user who writes cases there."""
    return open_case(
        organisation=organisation(code),
        consent=ConsentGiven(given_by=given_by, how="spoken"),
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


def screened(case: Case, by, code: str = "RASNM-2", **answers) -> None:
    named = facts_named(current_criteria(project(code)).tree)
    given = {name: True for name in FACTS if FACTS[name].asked and name in named}
    record_screening(case=case, answers=given | answers, by=by, now=now())


def admitted(case: Case, by, code: str = "RASNM-2", **changes) -> Enrolment:
    screened(case, by, code)
    given = {"decision": "admitted", "enrolled_on": now().date(), "reason": ""}
    operations.admit(case=case, project=project(code), by=by, now=now(), **given | changes)
    return Enrolment.objects.visible_to(by).get(case=case, project__code=code)


def planned(case: Case, by, code: str = "RASNM-2") -> Plan:
    return operations.agree_plan(
        enrolment=admitted(case, by, code),
        livelihood="tea_shop",
        goal="A tea shop.",
        steps="",
        agreed_on=now().date(),
        by=by,
        now=now(),
    )


def asks_for(plan: Plan) -> dict[str, object]:
    """Return what a page or program sends with the amount of a grant."""
    line = BudgetLine.objects.get(project=plan.enrolment.project, code="grants")
    return {"budget_line": line.pk, "purpose": PURPOSE}


def requested(plan: Plan, by, amount: int | Decimal = 60000) -> Grant:
    return operations.request_grant(
        plan=plan,
        purpose=PURPOSE,
        amount_npr=Decimal(amount),
        budget_line=BudgetLine.objects.get(project=plan.enrolment.project, code="grants"),
        by=by,
        now=now(),
    )


def a_third_ngo() -> Organisation:
    """Return an NGO besides the two of the demo users, with a caseworker of its own: `third`."""
    made = save_organisation(
        organisation=Organisation(code="NGO_C", name_en="Third NGO", kind="ngo"), by=None, now=now()
    )
    user = User.objects.create(username="third", email="third@example.org")
    role = made.roles.get(code="caseworker")
    save_membership(
        membership=Membership(user=user, role=role, starts_on=date(2020, 1, 1)), by=None, now=now()
    )
    return made


def a_colleague(username: str, code: str = "NGO_A", role: str = "caseworker") -> User:
    """Return a user besides the demo users who works in an organisation; made on the first call."""
    found = User.objects.filter(username=username).first()
    if found is not None:
        return found
    user = User(
        username=username, first_name=username.title(), email=f"{username}@example.org", language="en"
    )
    save_user(user=user, by=None, now=now())
    set_up()
    given = organisation(code).roles.get(code=role)
    save_membership(
        membership=Membership(user=user, role=given, starts_on=date(2020, 1, 1)), by=None, now=now()
    )
    return User.objects.get(pk=user.pk)


def reassigned(case: Case, caseworker: User, by, note: str = "She prefers to speak Tamang.") -> None:
    """Give the case another caseworker."""
    reassign_cases(cases=[case], caseworker=caseworker, note=note, by=by, now=now())


def referred(
    case: Case, by, receiver: Organisation, *, service="Legal advice", reason="To file a case.", **items
) -> Referral:
    """Refer the case with the beneficiary's consent."""
    record_consent(
        case=case,
        purpose="referral",
        organisation=receiver,
        is_given=True,
        given_by="self",
        how="spoken",
        by=by,
        now=now(),
    )
    return send_referral(
        case=case,
        receiver=receiver,
        service=service,
        reason=reason,
        items=items or {"Name": "Sunita"},
        by=by,
        now=now(),
    )


def offered(
    case: Case, by, code: str = "NGO_B", *, reason="She moves to her sister.", **changes
) -> CaseTransfer:
    """Offer the case to another organisation with the beneficiary's consent."""
    given = {"agrees": True, "given_by": "self", "why_nobody_asked": "", "how": "spoken"}
    transfer = ask_and_offer(
        case=case, receiver=organisation(code), reason=reason, by=by, now=now(), **given | changes
    )
    assert transfer is not None
    return transfer


def transferred(case: Case, demo_users, *, to="ngo_b_caseworker", by="ngo_a_caseworker") -> CaseTransfer:
    """Transfer the case to the organisation of the user `to`, who becomes its caseworker."""
    receiver = demo_users[to].memberships.get().role.organisation
    with acting_as(demo_users[by]):
        transfer = offered(case, demo_users[by], receiver.code)
    with acting_as(demo_users[to]):
        take_over_case(transfer=transfer, caseworker=demo_users[to], by=demo_users[to], now=now())
    return transfer


def asked_role(by: User, user: User, code: str, place: str) -> AccessRequest:
    """Ask for a role in an organisation that has cases."""
    role = organisation(place).roles.get(code=code)
    with acting_as(by):
        return ask_role(membership=Membership(user=user, role=role, starts_on=now().date()), by=by, now=now())


def agreed(username: str = "ngo_a_supervisor") -> None:
    """Let this user approve every request that they may decide."""
    user = User.objects.get(username=username)
    with acting_as(user):
        for request in requests_to_decide(user):
            decide_access(request=request, approves=True, by=user, now=now())


def a_document(case: Case, by, *, data: bytes | None = None, **changes) -> Document:
    """Add a letter to the case."""
    data = uploaded_files.pdf() if data is None else data
    given = {"kind": "letter", "confidentiality": "normal", "title": "Letter of the ward"}
    return add_document(case=case, data=data, size=len(data), by=by, now=now(), **given | changes)


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


def corrected_consent(consent: Consent, by, *, reason: str = "Written down wrongly.", **changes) -> Consent:
    """Correct fields of a consent on its present version."""
    row = Consent.objects.get(pk=consent.pk)
    answer = replace(ConsentAnswer.of(row), **changes)
    return correct_consent(consent=row, answer=answer, version=row.version, reason=reason, by=by, now=now())


def approved(grant: Grant, demo_users) -> Grant:
    with acting_as(demo_users["iom_supervisor"]):
        operations.endorse_grant(grant=grant, by=demo_users["iom_supervisor"], now=now())
    with acting_as(demo_users["iom_approver"]):
        return operations.approve_grant(grant=grant, by=demo_users["iom_approver"], now=now())


def paid(grant: Grant, demo_users, amount: int = 30000, username: str = "iom_finance"):
    with acting_as(demo_users[username]):
        return operations.pay_instalment(
            grant=grant,
            amount_npr=Decimal(amount),
            voucher="V-1",
            paid_on=now().date(),
            by=demo_users[username],
            now=now(),
        )


def corrected(case: Case, by, reason: str = "Misheard at first.") -> None:
    """A field of the record and one of the situation, each corrected."""
    row, file = Beneficiary.objects.get(pk=case.beneficiary_id), CaseFile.objects.get(case=case)
    why: dict[str, Any] = {"reason": reason, "by": by, "now": now()}
    details = replace(BeneficiaryDetails.of(row), safe_contact=f"{row.safe_contact} After five.")
    correct_beneficiary(beneficiary=row, details=details, version=row.version, **why)
    situation = replace(Situation.of(file), needs=f"{file.needs} And a bed.")
    correct_situation(case=case, situation=situation, version=file.version, **why)


def whole_case(demo_users, receiver: Organisation, *, shared: bool = False) -> Case:
    """Return a case of the first NGO with a row in every linked table, referred to `receiver`, offered to a
    third.
    """
    by, protection = demo_users["ngo_a_caseworker"], demo_users["protection_supervisor"]
    with acting_as(by):
        case = a_case(by)
        if shared:
            share_with_iom(case, by)
        grant = requested(planned(case, by), by)
        for kind in Confidentiality.values:
            add_note(case=case, text=f"A {kind} note.", confidentiality=kind, by=by, now=now())
            a_document(case, by, confidentiality=kind)
        corrected(case, by)
        corrected_consent(case.consents.get(purpose="services"), by, how="signature")
        corrected_identity(an_identity_document(case, by), by, number="PA7654321")
        referred(case, by, receiver)
        reassigned(case, a_colleague("second_caseworker"), by)
        third = Organisation.objects.filter(code="NGO_C").first() or a_third_ngo()
        offered(case, by, third.code)
    with acting_as(protection):
        why = "She called and was then cut off; no one answers."
        break_glass(typed=case.reference, reason=why, by=protection, now=now())
    approved(grant, demo_users)
    paid(grant, demo_users)
    return case


def a_supervisor(username: str, code: str) -> User:
    """Let a demo user also supervise an organisation, and so approve large exports."""
    user = User.objects.get(username=username)
    role = organisation(code).roles.get(code="supervisor")
    set_up()
    save_membership(membership=Membership(user=user, role=role, starts_on=now().date()), by=None, now=now())
    return User.objects.get(username=username)


def asked_export(by, code: str = "NGO_A", *, kind: str = "cases", at=None, **filters: str) -> Export:
    """Ask for an export."""
    return ask_export(
        kind=kind,
        organisation=organisation(code),
        filters=filters,
        reason="For the yearly meeting.",
        by=by,
        now=at or now(),
    )
