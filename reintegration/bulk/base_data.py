"""What invented cases refer to: organisations of unequal size, their users, places and programmes."""

import json
import random
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import accumulate

from django.db import transaction
from django.utils import timezone

from accounts.choices import OrganisationKind, RoleCode
from accounts.models import Membership, Organisation, Role, User
from accounts.operations.organisation import save_organisation
from beneficiaries.queries.fact import facts_as_json
from geography.models import District
from projects.facts import FACTS
from projects.models import Project
from projects.queries import current_criteria
from projects.rules import assess, facts_named
from reintegration.bulk.copying import CopyBuffer
from reintegration.bulk.names import FAMILIES, MEN, NGO_FIRST, NGO_SECOND, WOMEN

NGOS_AT, NGOS = 100_000, 60  # 60 NGOs for 100,000 people or more, and proportionally fewer below
USERS = 2_000
SHRINK = 0.91  # ratio of an NGO's caseload to the next larger one's: of 60 the largest has 9%
ROLES = (RoleCode.CASEWORKER,) * 7 + (RoleCode.READER, RoleCode.SUPERVISOR, RoleCode.FOCAL_POINT)
USER_COLUMNS = {
    "accounts_user": (
        "id",
        "password",
        "is_superuser",
        "username",
        "first_name",
        "last_name",
        "is_staff",
        "is_active",
        "date_joined",
        "email",
        "language",
    ),
    "accounts_membership": ("id", "starts_on", "user_id", "role_id"),
}
PREFIX = "demo_"  # of user names that this package writes


@dataclass(frozen=True)
class Admission:
    """Admission to one programme: facts that meet its criteria, and the result, assessed once."""

    project_id: str
    manager_id: str
    criteria_id: str
    starts_on: date
    ends_on: date
    facts: str
    result: str
    outcome: str


@dataclass
class BaseData:
    """Ids as hexadecimal text, in the order that cases are drawn from."""

    today: date
    ngos: list[str]
    cumulated: list[float]
    iom: str
    caseworkers: dict[str, list[str]]
    districts: list[str]
    admissions: list[Admission]


def ngo_count(people: int) -> int:
    """Return how many NGOs share the cases: at least the two of the demo users."""
    return max(2, min(NGOS, people * NGOS // NGOS_AT))


def user_count(people: int) -> int:
    """Return how many users there are beside the demo users."""
    return max(6, min(USERS, people * USERS // NGOS_AT))


def new_id(rng: random.Random) -> str:
    """Return a random UUID of version 4 from this generator."""
    bits = rng.getrandbits(128) & ~(0xF << 76 | 3 << 62)
    return f"{bits | 4 << 76 | 2 << 62:032x}"


@transaction.atomic
def save_ngos(people: int, now: datetime) -> list[str]:
    """Save the NGOs; return their codes, the largest first: NGO_A, and NGO_B after a third of them."""
    count = ngo_count(people)
    codes = ["NGO_A", *(f"NGO_{number:03}" for number in range(2, count))]
    codes.insert(max(1, count // 3), "NGO_B")
    existing = set(Organisation.objects.filter(code__in=codes).values_list("code", flat=True))
    for number, code in enumerate(codes):
        if code not in existing:
            first = NGO_FIRST[number % len(NGO_FIRST)]
            second = NGO_SECOND[number // len(NGO_FIRST) % len(NGO_SECOND)]
            ngo = Organisation(
                code=code,
                name_en=f"{first[0]} {second[0]}",
                name_ne=f"{first[1]} {second[1]}",
                kind=OrganisationKind.NGO,
            )
            save_organisation(organisation=ngo, by=None, now=now)
    return codes


def copy_users(rng: random.Random, buffer: CopyBuffer, codes: list[str], people: int, now: datetime) -> None:
    """Write users of the NGOs and of IOM, who can't sign in until they get a password."""
    roles = {
        (role.organisation.code, role.code): role.pk.hex
        for role in Role.objects.select_related("organisation")
    }
    shares = [*(SHRINK**rank for rank in range(len(codes))), 0.4]
    organisations = rng.choices([*codes, "IOM"], weights=shares, k=user_count(people))
    organisations[: len(codes)] = codes  # each NGO has at least one user
    for number, organisation in enumerate(organisations, 1):
        user_id, username = new_id(rng), f"{PREFIX}{number:04}"
        first, family = rng.choice(WOMEN + MEN)[0], rng.choice(FAMILIES)[0]
        role = RoleCode.CASEWORKER if number <= len(codes) else rng.choice(ROLES)
        buffer.lines["accounts_user"].append(
            f"{user_id}\t!{new_id(rng)}\tf\t{username}\t{first}\t{family}\tf\tt\t{now.isoformat()}"
            f"\t{username}@example.org\t{'ne' if number % 3 else 'en'}\n"
        )
        role_ids = [roles[organisation, role]]
        if number % 50 == 0:  # a few users have roles in two organisations
            role_ids.append(roles[codes[number % len(codes)], RoleCode.READER])
        buffer.lines["accounts_membership"] += [
            f"{new_id(rng)}\t2010-01-01\t{user_id}\t{role_id}\n" for role_id in dict.fromkeys(role_ids)
        ]
    buffer.flush()


def read_base_data(codes: list[str], now: datetime) -> BaseData:
    """Read the organisations, caseworkers, districts and programmes; users as the owner, who has just written them."""
    ngos = {code: pk.hex for code, pk in Organisation.objects.values_list("code", "pk")}
    caseworkers: dict[str, list[str]] = {ngos[code]: [] for code in codes}
    found = (
        Membership.objects.using("owner")
        .live(now.date())
        .filter(role__code=RoleCode.CASEWORKER, role__organisation__code__in=codes)
    )
    for organisation_id, user_id in found.order_by("user__username").values_list(
        "role__organisation_id", "user_id"
    ):
        caseworkers[organisation_id.hex].append(user_id.hex)
    return BaseData(
        today=now.date(),
        ngos=[ngos[code] for code in codes],
        cumulated=list(accumulate(SHRINK**rank for rank in range(len(codes)))),
        iom=ngos["IOM"],
        caseworkers=caseworkers,
        districts=[pk.hex for pk in District.objects.order_by("code").values_list("pk", flat=True)],
        admissions=[_admission(project) for project in Project.objects.order_by("code")],
    )


def _admission(project: Project) -> Admission:
    criteria = current_criteria(project)
    named = facts_named(criteria.tree)
    facts: dict[str, object] = {
        "age": 30,
        "sex": "female",
        "groups": set(project.target_groups),
        "districts": set(project.districts),
        "country_of_stay": project.countries[0] if project.countries else None,
        "research_consent": True,
    } | {name: True for name in FACTS if FACTS[name].asked and name in named}
    result = assess(facts, criteria.tree, project.starts_on)
    return Admission(
        project_id=project.pk.hex,
        manager_id=project.managed_by_id.hex,
        criteria_id=criteria.pk.hex,
        starts_on=project.starts_on,
        ends_on=project.ends_on,
        facts=_cell(facts_as_json(facts)),
        result=_cell(result.to_json()),
        outcome=result.answer.value,
    )


def _cell(value: object) -> str:
    """Return JSON for COPY, where a backslash is written twice."""
    return json.dumps(value, ensure_ascii=False).replace("\\", "\\\\")


def moment(day: date) -> str:
    """Return eleven o'clock in Nepal on that day, as text."""
    return timezone.make_aware(datetime.combine(day, time(11))).isoformat()


def days_back(today: date, count: int) -> list[str]:
    """Return today and the days before it as text; the index is the number of days ago."""
    return [(today - timedelta(days=number)).isoformat() for number in range(count)]


def is_loaded() -> bool:
    """Return whether this package has written users."""
    return User.objects.filter(username__startswith=PREFIX).exists()
