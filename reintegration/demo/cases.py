"""Invented cases, written through the same operations as real ones.

The same seed and day give the same cases. Everything is done as one of the demo users, at a time in the past, so that
each page has something to show.
"""

import random
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.models import Organisation, User
from beneficiaries.choices import AssessmentDecision, ConsentPurpose, IdentityKind, IdentityState
from beneficiaries.models import Case, Enrolment, IdentityDocument
from beneficiaries.operations.admission import record_screening
from beneficiaries.operations.case import close_case
from beneficiaries.operations.consent import record_consent
from beneficiaries.operations.identity import IdentityDetails, record_identity_document
from beneficiaries.operations.intake import BeneficiaryDetails, ConsentGiven, Situation, open_case
from core import outbox
from core.context import acting_as
from geography.models import District
from projects.facts import FACTS
from projects.models import BudgetLine, Project
from projects.operations import load_programme, save_configuration
from projects.programme_files import read_all
from projects.queries import current_criteria
from projects.rules import facts_named
from reintegration.choices import SAFETY, Livelihood
from reintegration.demo.users import DEMO_USERS, add_users
from reintegration.demo.words import COUNTRIES, DISTRICTS, FAMILY, FEMALE, MALE, NARRATIVES, PURPOSES
from reintegration.models import FollowUp, Grant, Plan
from reintegration.operations.admission import admit
from reintegration.operations.follow_up import record_follow_up
from reintegration.operations.grant import (
    approve_grant,
    endorse_grant,
    pay_instalment,
    refuse_grant,
    request_grant,
    withdraw_grant,
)
from reintegration.operations.plan import agree_plan

# How far a present case has come; a stage includes those before it, unless they end the case early.
STAGES = [
    "opened",
    "shared",
    "not_shared",
    "open_questions",
    "not_admitted",
    "enrolled",
    "planned",
    "requested",
    "endorsed",
    "approved",
    "refused",
    "withdrawn",
    "paid_overdue",
    "paid_visited",
    "paid_all",
    "closed",
    "override",
]
PAST = {"TRRIN": 2011, "FWW": 2017, "RASNM": 2016, "TSVCSP": 2015, "PTLO": 2011}


class NotDemoData(RuntimeError):
    """The database has users that this command didn't write."""


@dataclass
class CaseBuilder:
    """What one invented case is written with."""

    rng: random.Random
    project: Project
    caseworker: User
    organisation: Organisation
    moment: datetime
    stage: str
    is_child: bool = False


def is_seeded() -> bool:
    """Return whether the demo users exist; raise NotDemoData where there are others too."""
    names = set(User.objects.values_list("username", flat=True))
    if names - set(DEMO_USERS):
        raise NotDemoData
    return bool(names)


def seed(*, people: int, seed_number: int, now: datetime) -> int:
    """Write the demo users, the demo phase and `people` cases; return how many cases."""
    rng = random.Random(seed_number)
    phase = _demo_phase(now)
    add_users(now)
    projects = [phase] * len(STAGES) + [Project.objects.get(code=code) for code in PAST]
    for number in range(people):
        project = projects[number % len(projects)]
        _build_case(_builder_for(rng, number, project, phase, now))
    outbox.mark_all_sent(now=now)
    return people


def _demo_phase(now: datetime) -> Project:
    """Load RASNM-2, with dates around today."""
    for programme in read_all():
        if programme.is_demo:
            load_programme(programme=programme, now=now)
    phase = Project.objects.get(code="RASNM-2")
    phase.starts_on, phase.ends_on = date(now.year - 1, 1, 1), date(now.year + 1, 12, 31)
    save_configuration(obj=phase, by=None, now=now)
    return phase


def _builder_for(
    rng: random.Random, number: int, project: Project, phase: Project, now: datetime
) -> CaseBuilder:
    if project == phase:
        stage = STAGES[number % (len(STAGES) + len(PAST))]
        day = now.date() - timedelta(days=rng.randint(60, 200))
    else:
        stage = "closed"
        day = date(PAST[project.code], rng.randint(2, 5), rng.randint(1, 28))
    username = "ngo_a_caseworker" if number % 5 < 3 else "ngo_b_caseworker"
    user = User.objects.get(username=username)
    return CaseBuilder(
        rng=rng,
        project=project,
        caseworker=user,
        organisation=Organisation.objects.get(code=DEMO_USERS[username][2]),
        moment=_at(day),
        stage=stage,
        is_child=project.code == "TSVCSP" and rng.random() < 0.6,
    )


def _at(day: date, hour: int = 11) -> datetime:
    return timezone.make_aware(datetime.combine(day, time(hour)))


def _build_case(builder: CaseBuilder) -> None:
    with acting_as(builder.caseworker):
        case = _open(builder)
        if builder.stage not in ("opened", "shared"):  # in these the safety step is still due
            _safety_steps(builder, case)
        if builder.stage not in ("opened", "open_questions"):
            _ask_sharing(builder, case, agrees=builder.stage != "not_shared")
        if builder.stage in ("opened", "shared", "not_shared"):
            return None
        _screen(builder, case)
        if builder.stage == "override":
            return _override(builder, case)
        if builder.stage == "open_questions":
            return None
        if builder.stage == "not_admitted":
            _decide(builder, case, AssessmentDecision.NOT_ADMITTED, "Found other help near home.")
            return None
        _decide(builder, case, AssessmentDecision.ADMITTED)
        if builder.stage == "enrolled":
            return None
        plan = _plan(builder, case)
        if builder.stage == "planned":
            _not_found(builder, case)
        if builder.stage == "planned" or builder.project.grant_ceiling_npr is None:
            return _close(builder, case) if builder.stage == "closed" else None
        grant = _request(builder, plan)
    _decide_grant(builder, grant)
    if builder.stage in ("paid_overdue", "paid_visited", "paid_all", "closed"):
        with acting_as(builder.caseworker):
            _visits(builder, case)
            if builder.stage == "closed":
                _close(builder, case)
    return None


def _open(builder: CaseBuilder) -> Case:
    rng, project = builder.rng, builder.project
    is_female = project.code not in ("RASNM", "RASNM-2") or rng.random() < 0.6
    first, first_ne = rng.choice(FEMALE if is_female else MALE)
    family, family_ne = rng.choice(FAMILY)
    age = rng.randint(8, 16) if builder.is_child else rng.randint(20, 40)
    districts = {place.code: place for place in District.objects.filter(code__in=DISTRICTS)}
    home = districts[rng.choice(DISTRICTS[:2] if project.code == "FWW" else DISTRICTS)]
    born = date(builder.moment.year - age, rng.randint(1, 12), rng.randint(1, 28))
    groups = _groups(builder)
    case = open_case(
        organisation=builder.organisation,
        consent=ConsentGiven(
            given_by="guardian" if builder.is_child else "self", how=rng.choice(["spoken", "thumbprint"])
        ),
        details=BeneficiaryDetails(
            first_name=first,
            second_name=family,
            name_ne=f"{first_ne} {family_ne}",
            sex="female" if is_female else "male",
            birth_on=born,
            birth_precision="day",
            birth_as_typed=f"{born.isoformat()} AD",
            citizenship="NP",
            citizenship_certificate=rng.choice(["has", "has", "never", "unknown"]),
            home_district_id=home.pk,
            phone=f"+977 980-{rng.randint(1000000, 9999999)}",
            safe_contact=rng.choice(["", "", "Phone after 5 pm only; the brother must not answer."]),
        ),
        situation=Situation(
            groups=groups,
            primary_group=groups[0],
            country_of_stay=rng.choice(COUNTRIES) if "stranded_migrant" in groups else "",
            current_district_id=home.pk,
            risk=_risk(builder),
            narrative=rng.choice(NARRATIVES),
            needs="A livelihood near home, and somebody to talk to.",
        ),
        by=builder.caseworker,
        now=builder.moment,
    )
    _identity_documents(builder, case, number=rng.randint(10000, 99999))
    return case


def _identity_documents(builder: CaseBuilder, case: Case, *, number: int) -> None:
    """Record the number of a citizenship certificate, and the passport of a stranded migrant that an employer keeps."""
    common: dict[str, Any] = {
        "beneficiary": case.beneficiary,
        "by": builder.caseworker,
        "now": builder.moment,
    }
    rows = IdentityDocument.objects.visible_to(builder.caseworker).filter(beneficiary=case.beneficiary)
    for certificate in rows.filter(kind=IdentityKind.CITIZENSHIP, state=IdentityState.HAS):
        details = replace(
            IdentityDetails.of(certificate),
            number=f"27-01-70-{number}",
            issued_district_id=case.beneficiary.home_district_id,
        )
        record_identity_document(
            kind=certificate.kind, details=details, version=certificate.version, **common
        )
    if "stranded_migrant" in _groups(builder):
        details = IdentityDetails(
            state=IdentityState.KEPT, number=f"PA10{number}", kept_by="The former employer"
        )
        record_identity_document(kind=IdentityKind.PASSPORT, details=details, **common)


def _risk(builder: CaseBuilder) -> str:
    drawn = builder.rng.choice(["low", "medium", "high", "unknown"])
    return "high" if builder.stage == "shared" else drawn


def _safety_steps(builder: CaseBuilder, case: Case) -> None:
    moment = _later(builder, 0)
    for step in FollowUp.objects.visible_to(builder.caseworker).filter(case=case, kind=SAFETY):
        record_follow_up(
            follow_up=step,
            done_on=moment.date(),
            outcome="seen",
            wellbeing="fair",
            note="Stays with an aunt for now. Knows whom to call, and has the number by heart.",
            by=builder.caseworker,
            now=moment,
        )


def _groups(builder: CaseBuilder) -> list[str]:
    if builder.is_child:
        return ["child_in_vulnerable_situation"]
    return {
        "TRRIN": ["survivor_of_trafficking"],
        "FWW": ["returnee_migrant", "survivor_of_trafficking"],
        "TSVCSP": ["vulnerable_woman"],
        "PTLO": ["survivor_of_trafficking"],
    }.get(builder.project.code, ["stranded_migrant", "returnee_migrant"])


def _later(builder: CaseBuilder, days: int) -> datetime:
    """Return the time so many days after the case was opened, but not in the future."""
    return min(builder.moment + timedelta(days=days), timezone.localtime())


def _ask_sharing(builder: CaseBuilder, case: Case, *, agrees: bool) -> None:
    giver = "guardian" if builder.is_child else "self"
    record_consent(
        case=case,
        purpose=ConsentPurpose.SHARING,
        organisation=Organisation.objects.get(code="IOM"),
        is_given=agrees,
        given_by=giver,
        how="spoken",
        by=builder.caseworker,
        now=_later(builder, 0),
    )
    if builder.project.code == "PTLO":
        record_consent(
            case=case,
            purpose=ConsentPurpose.RESEARCH,
            organisation=None,
            is_given=True,
            given_by=giver,
            how="signature",
            by=builder.caseworker,
            now=_later(builder, 0),
        )


def _screen(builder: CaseBuilder, case: Case) -> None:
    named = facts_named(current_criteria(builder.project).tree)
    answers: dict[str, bool | None] = {name: True for name in FACTS if FACTS[name].asked and name in named}
    if builder.stage == "open_questions":
        answers["willing_to_return"] = None
    if builder.stage == "override":
        answers["stranded_or_exploited"] = False
    record_screening(case=case, answers=answers, by=builder.caseworker, now=_later(builder, 1))


def _decide(builder: CaseBuilder, case: Case, decision: str, reason: str = "") -> None:
    moment = _later(builder, 2)
    admit(
        case=case,
        project=builder.project,
        decision=decision,
        enrolled_on=moment.date(),
        reason=reason,
        by=builder.caseworker,
        now=moment,
    )


def _override(builder: CaseBuilder, case: Case) -> None:
    supervisor, moment = User.objects.get(username="iom_supervisor"), _later(builder, 2)
    with acting_as(supervisor):
        admit(
            case=case,
            project=builder.project,
            decision=AssessmentDecision.ADMITTED,
            enrolled_on=moment.date(),
            reason="Unpaid for months and afraid to complain: exploited in fact, though not in those words.",
            by=supervisor,
            now=moment,
        )


def _plan(builder: CaseBuilder, case: Case) -> Plan:
    moment = _later(builder, 10)
    return agree_plan(
        enrolment=Enrolment.objects.visible_to(builder.caseworker).get(case=case),
        livelihood=builder.rng.choice(list(PURPOSES)),
        goal="A shop of their own near the bus park, and school for the children.",
        steps="Find a room to rent. Two weeks of training. Buy the first goods.",
        agreed_on=moment.date(),
        by=builder.caseworker,
        now=moment,
    )


def _request(builder: CaseBuilder, plan: Plan) -> Grant:
    ceiling = int(builder.project.grant_ceiling_npr or 0)
    return request_grant(
        plan=plan,
        purpose=PURPOSES[Livelihood(plan.livelihood)],
        amount_npr=Decimal(min(ceiling, builder.rng.randrange(20000, ceiling + 1, 5000))),
        budget_line=BudgetLine.objects.get(project=builder.project, code="grants"),
        by=builder.caseworker,
        now=_later(builder, 12),
    )


def _decide_grant(builder: CaseBuilder, grant: Grant) -> None:
    supervisor, approver, finance = (
        User.objects.get(username=name) for name in ("iom_supervisor", "iom_approver", "iom_finance")
    )
    if builder.stage == "requested":
        return
    if builder.stage == "withdrawn":
        with acting_as(builder.caseworker):
            withdraw_grant(grant=grant, by=builder.caseworker, now=_later(builder, 13))
        return
    with acting_as(supervisor):
        if builder.stage == "refused":
            refuse_grant(
                grant=grant,
                reason="The plan has no place for the shop yet.",
                by=supervisor,
                now=_later(builder, 14),
            )
            return
        endorse_grant(grant=grant, by=supervisor, now=_later(builder, 14))
    if builder.stage == "endorsed":
        return
    with acting_as(approver):
        approve_grant(grant=grant, by=approver, now=_later(builder, 16))
    if builder.stage == "approved":
        return
    parts = [grant.amount_npr] if builder.stage in ("paid_all", "closed") else [Decimal(grant.amount_npr) / 2]
    with acting_as(finance):
        for number, amount in enumerate(parts, 1):
            moment = _later(builder, 18 + number)
            pay_instalment(
                grant=grant,
                amount_npr=amount,
                voucher=f"V-{builder.rng.randint(1000, 9999)}",
                paid_on=moment.date(),
                by=finance,
                now=moment,
            )


def _not_found(builder: CaseBuilder, case: Case) -> None:
    """Record that the first visit or call found nobody; the next attempt is then due."""
    due = (
        FollowUp.objects.visible_to(builder.caseworker)
        .filter(case=case, done_on=None)
        .order_by("due_on", "id")[0]
    )
    record_follow_up(
        follow_up=due,
        done_on=due.due_on,
        outcome="not_found",
        wellbeing="unknown",
        note="The site was locked. The neighbour had not seen anybody for a week.",
        by=builder.caseworker,
        now=_at(due.due_on, 15),
    )


def _visits(builder: CaseBuilder, case: Case) -> None:
    """Record due visits; at `paid_overdue` not the last one."""
    today = timezone.localdate()
    due = list(
        FollowUp.objects.visible_to(builder.caseworker)
        .filter(case=case, due_on__lte=today, done_on=None)
        .order_by("due_on", "id")
    )
    for follow_up in due[:-1] if builder.stage == "paid_overdue" else due:
        record_follow_up(
            follow_up=follow_up,
            done_on=follow_up.due_on,
            outcome="seen",
            wellbeing=builder.rng.choice(["good", "fair", "good", "poor"]),
            note="The shop is open. Sells tea and noodles in the morning.",
            by=builder.caseworker,
            now=_at(follow_up.due_on, 15),
        )


def _close(builder: CaseBuilder, case: Case) -> None:
    close_case(case=case, by=builder.caseworker, now=_later(builder, 420))
