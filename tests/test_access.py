"""Who may open what: every address and method, everyone of the cast and nobody, three targets.

The table below says what people may do, in the words of the house and not of the code. Targets: `a`, a case of the
first NGO that is shared with IOM; `b`, one of the second NGO that isn't; `missing`, one that doesn't exist. An address
without a row fails.
"""

import uuid
from dataclasses import dataclass, field

import pytest

from accounts.queries import audit_events
from api.resources import RESOURCES
from core.clock import now
from core.context import acting_as
from reintegration.demo import CAST
from reintegration.models import FollowUp
from tests import story
from tests.addresses import patterns

NOBODY = "nobody"
EVERYONE = (*CAST, NOBODY)
A_WRITES, A_READS = {"ngo_a_caseworker"}, {"ngo_a_caseworker", "ngo_a_reader"}
IOM_WRITES, IOM_READS = {"iom_supervisor"}, {"iom_supervisor", "protection_supervisor"}
B = {"ngo_b_caseworker"}
FIGURES = {"iom_supervisor", "iom_approver", "iom_finance", "programme_manager"}
TARGETS = ("a", "b", "missing")

# Who reads a case file, by target; who may write it.
READS = {"a": A_READS | IOM_READS, "b": B, "missing": set()}
WRITES = {"a": A_WRITES | IOM_WRITES, "b": B, "missing": set()}
LEADS = {"a": A_WRITES, "b": B, "missing": set()}
# A grant of a case that isn't shared is still seen by those who decide on figures.
GRANTS = {"a": A_READS | IOM_READS | FIGURES, "b": B | FIGURES, "missing": set()}


@dataclass
class Row:
    """What an address answers. `get` and `post` give, for a person and a target, the status expected."""

    get: object
    post: object
    targets: tuple[str, ...] = ("a",)
    route: dict = field(default_factory=dict)


def _status(person: str, *, allowed: bool, found: bool = True, ok: int = 200, anonymous: int = 302) -> int:
    """302 to sign-in for nobody, 404 for what is out of reach, 403 for what is in reach and not allowed."""
    if person == NOBODY:
        return anonymous
    if not found:
        return 404
    return ok if allowed else 403


def page(who: set[str] | None = None):
    """A page that isn't about one case: for these people, or for all who are signed in."""
    return lambda person, target: _status(person, allowed=who is None or person in who)


def case_page(readers, writers=None, ok: int = 200):
    """A page about one case: 404 for who can't read it, 403 for who reads and may not write."""
    writers = writers or readers
    return lambda person, target: _status(
        person, allowed=person in writers[target], found=person in readers[target], ok=ok
    )


def refused(person: str, target: str) -> int:
    """This method isn't for this address; nobody is sent to sign in first."""
    return 302 if person == NOBODY else 405


def always(status: int):
    return lambda person, target: status


WRITERS = A_WRITES | IOM_WRITES | B
READERS = A_READS | IOM_READS | B
# An own draft of the first NGO's caseworker; nobody else finds it.
DRAFT = {"a": A_WRITES, "b": B, "missing": set()}
# A referral to the other NGO: read on both sides, and answered by those who write on either.
REFERRALS = {"a": A_READS | IOM_READS | B, "b": B | A_READS, "missing": set()}
ANSWERS = {"a": A_WRITES | B, "b": B | A_WRITES, "missing": set()}
# The first NGO's caseworker is kept by its focal point, the second NGO's by nobody of the cast; neither awaits a
# password.
FOCAL = {"ngo_a_focal_point"}
STAFF = {"a": FOCAL, "b": set(), "missing": set()}
INVITED: dict[str, set[str]] = {target: set() for target in TARGETS}
# Visits: who reads the case finds them; only who writes it records them.
DECIDES = {
    "endorse": {"iom_supervisor"},
    "approve": {"iom_approver"},
    "pay": {"iom_finance"},
    "refuse": {"iom_supervisor"},
}


def decision(deed: str):
    """An empty form about a grant: shown again (200) to who finds the grant; the operation isn't reached."""
    return case_page(GRANTS)


def program(allowed, ok: int = 200, anonymous: int = 401):
    """An address of the API that isn't about one row: problems for programs, no page to sign in on."""
    return lambda person, target: _status(
        person, allowed=allowed is None or person in allowed, ok=ok, anonymous=anonymous
    )


def program_row(readers, deciders=None, ok: int = 200):
    """One row of the API: 404 for who can't read it, 403 for who reads it and may not do the deed."""
    return lambda person, target: _status(
        person,
        allowed=deciders is None or person in deciders[target],
        found=person in readers[target],
        ok=ok,
        anonymous=401,
    )


def refused_program(person: str, target: str) -> int:
    return 401 if person == NOBODY else 405


# This table's empty form is no JSON: 415 is the answer to who may do a deed, and comes after 404 and 403.
FORM = 415


def resource(name: str, readers, *, making: bool = False, deeds: dict | None = None) -> dict[str, Row]:
    """The rows of one resource: its list, one of its rows, and its deeds."""
    found = {
        f"api:{name}-list": Row(program(None), program(WRITERS, ok=FORM) if making else refused_program),
        f"api:{name}-detail": Row(program_row(readers), refused_program, TARGETS),
    }
    for deed, deciders in (deeds or {}).items():
        found[f"api:{name}-{deed}"] = Row(refused_program, program_row(readers, deciders, ok=FORM), TARGETS)
    return found


AUDITOR = ("auditor",)
EVERYBODY = {"a": set(CAST), "b": set(CAST), "missing": set()}
# Who is asked next says no: in the API either of them finds the deed, and the grant's state decides.
EITHER = dict.fromkeys(TARGETS, DECIDES["refuse"] | DECIDES["approve"])
API: dict[str, Row] = {
    "api:start": Row(program(None), refused_program),
    "api:schema": Row(always(200), always(405)),
    "api:docs": Row(always(200), always(405)),
    "api:missing": Row(program_row({"a": set()}), program_row({"a": set()})),
    **resource("organisation", EVERYBODY),
    **resource("project", EVERYBODY),
    **resource("criteria", EVERYBODY),
    **resource("indicator", EVERYBODY),
    **resource("beneficiary", READS),
    **resource("case", GRANTS, making=True, deeds={"close": WRITES}),
    **resource("consent", READS, making=True, deeds={"withdraw": LEADS}),
    **resource("screening", READS, making=True),
    **resource("enrolment", GRANTS, making=True),
    **resource("assessment", READS),
    **resource("plan", READS, making=True),
    **resource(
        "grant",
        GRANTS,
        making=True,
        deeds={deed: dict.fromkeys(TARGETS, DECIDES[deed]) for deed in ("endorse", "approve", "pay")}
        | {"refuse": EITHER},
    ),
    **resource("instalment", GRANTS),
    **resource("follow-up", READS, deeds={"record": WRITES}),
    **resource("reminder", READS),
    **resource("audit-event", dict.fromkeys(TARGETS[:2], AUDITOR) | {"missing": set()}),
}

TABLE: dict[str, Row] = {
    **API,
    "dashboard": Row(page(), refused),
    "healthz": Row(always(200), always(405)),
    "readyz": Row(always(200), always(405)),
    "set_language": Row(always(405), always(302)),
    "accounts:sign-in": Row(
        lambda person, target: 200 if person == NOBODY else 302,
        lambda person, target: 200 if person == NOBODY else 302,
    ),
    "accounts:sign-out": Row(always(405), always(302)),
    "accounts:notice-list": Row(page(), refused),
    "accounts:notice-mark-read": Row(refused, lambda person, target: 302),
    "accounts:role-list": Row(page(), refused),
    "accounts:invitation": Row(always(404), always(404)),
    "accounts:person-list": Row(page(FOCAL), refused),
    "accounts:person-add": Row(page(FOCAL), page(FOCAL)),
    "accounts:person-detail": Row(case_page(STAFF), refused, TARGETS),
    "accounts:person-give-role": Row(case_page(STAFF), case_page(STAFF), TARGETS),
    "accounts:membership-change": Row(case_page(STAFF), case_page(STAFF), TARGETS),
    "accounts:person-end": Row(case_page(STAFF), case_page(STAFF), TARGETS),
    "accounts:person-invite": Row(refused, case_page(INVITED), TARGETS),
    "beneficiaries:case-list": Row(page(READERS), refused),
    "beneficiaries:intake-consent": Row(page(WRITERS), page(WRITERS)),
    "beneficiaries:intake-person": Row(case_page(DRAFT), case_page(DRAFT), TARGETS),
    "beneficiaries:intake-situation": Row(case_page(DRAFT, ok=302), case_page(DRAFT, ok=302), TARGETS),
    "beneficiaries:consent-share": Row(case_page(READS, LEADS), case_page(READS, LEADS), TARGETS),
    "beneficiaries:consent-withdraw": Row(case_page(READS, LEADS), case_page(READS, LEADS), TARGETS),
    "beneficiaries:case-close": Row(case_page(READS, WRITES), case_page(READS, WRITES), TARGETS),
    "beneficiaries:note-add": Row(case_page(READS, WRITES), case_page(READS, WRITES), TARGETS),
    "beneficiaries:referral-send": Row(case_page(READS, LEADS), case_page(READS, LEADS), TARGETS),
    "beneficiaries:referral-list": Row(page(READERS), refused),
    "beneficiaries:referral-detail": Row(case_page(REFERRALS), case_page(REFERRALS, ANSWERS), TARGETS),
    "beneficiaries:emergency-open": Row(page({"protection_supervisor"}), page({"protection_supervisor"})),
    "case-detail": Row(case_page(READS), refused, TARGETS),
    "projects:project-list": Row(page(), refused),
    "projects:project-detail": Row(page(), refused),
    "reintegration:log-list": Row(page(set(AUDITOR)), refused),
    "reintegration:admission-choose": Row(case_page(READS, WRITES), refused, TARGETS),
    "reintegration:admission-assess": Row(case_page(READS, WRITES), case_page(READS, WRITES), TARGETS),
    "reintegration:plan-agree": Row(case_page(READS, WRITES), case_page(READS, WRITES), TARGETS),
    "reintegration:grant-request": Row(case_page(READS, WRITES), case_page(READS, WRITES), TARGETS),
    "reintegration:grant-list": Row(page(READERS | FIGURES), refused),
    "reintegration:grant-detail": Row(case_page(GRANTS), refused, TARGETS),
    "reintegration:grant-endorse": Row(refused, decision("endorse"), TARGETS),
    "reintegration:grant-approve": Row(refused, decision("approve"), TARGETS),
    "reintegration:grant-refuse": Row(refused, decision("refuse"), TARGETS),
    "reintegration:grant-pay": Row(refused, decision("pay"), TARGETS),
    "reintegration:follow-up-list": Row(page(READERS), refused),
    "reintegration:follow-up-record": Row(case_page(READS, WRITES), case_page(READS, WRITES), TARGETS),
}


def _admin(person: str, target: str) -> set[int]:
    """The configuration: the administrator alone; everybody else meets no page at all."""
    return {200, 302, 403, 404, 405} if person == "administrator" else {302, 403, 404, 405}


@pytest.fixture
def keys(cast) -> dict[str, dict[str, str]]:
    """For each target the values of the routes' parameters."""
    found = {"missing": {"reference": "ZZZZ-ZZZ-Z", "code": "RASNM-2"}}
    for target, username, code in (("a", "ngo_a_caseworker", "NGO_A"), ("b", "ngo_b_caseworker", "NGO_B")):
        by = cast[username]
        with acting_as(by):
            case = story.a_case(by, code)
            consent = story.share_with_iom(case, by, agrees=target == "a")
            plan = story.planned(case, by)
            grant = story.requested(plan, by)
            from beneficiaries.operations import ConsentGiven, start_draft

            draft = start_draft(
                organisation=story.organisation(code),
                consent=ConsentGiven(given_by="self", how="spoken"),
                by=by,
                now=now(),
            )
            other = story.organisation("NGO_B" if target == "a" else "NGO_A")
            referral = story.referred(case, by, other)
            found[target] = {
                "reference": case.reference,
                "code": "RASNM-2",
                "draft_id": str(draft.pk),
                "consent_id": str(consent.pk),
                "plan_id": str(plan.pk),
                "grant_id": str(grant.pk),
                "referral_id": str(referral.pk),
                "person_id": str(by.pk),
                "membership_id": str(by.memberships.get().pk),
                "follow_up_id": str(FollowUp.objects.visible_to(by).filter(case=case)[0].pk),
            }
        story.approved(grant, cast)
        story.paid(grant, cast)
        with acting_as(by):
            found[target] |= {
                kind.lookup_url_kwarg: str(_row_of(kind, by, case).pk)
                for kind in RESOURCES
                if kind.lookup_url_kwarg not in found[target] and kind.noun != "audit-event"
            }
        with acting_as(cast["auditor"]):
            event = audit_events(cast["auditor"]).filter(case_id=case.pk)[0]
            found[target]["event_id"] = str(event.pk)
    return found


def _row_of(kind, by, case):
    """A row of the case in a resource of the API; of one without cases, any."""
    rows = kind.rows(by)
    if kind.noun == "beneficiary":
        return rows.get(pk=case.beneficiary_id)
    if kind.noun == "case":
        return rows.get(pk=case.pk)
    return rows.filter(case=case)[0] if hasattr(rows.model, "case") else rows[0]


def _address(route: str, values: dict[str, str]) -> str:
    import re

    def value(match):
        return values.get(match.group(1), str(uuid.UUID(int=7)))

    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", value, re.sub(r"[\^$]|\\Z", "", route))


def test_every_address_has_a_row():
    unlisted = [name for name, route in patterns() if not route.startswith("admin/") and name not in TABLE]
    assert unlisted == []
    assert set(TABLE) - {name for name, _ in patterns()} == set()


@pytest.fixture(scope="module")
def tally(request):
    """Cells and surprises of all persons, told at the end: in one process (`-s`) that is the whole table."""
    found = {"cells": 0, "unexpected": 0}
    yield found
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter.write_line(f"\ncells {found['cells']} unexpected {found['unexpected']}")


@pytest.mark.django_db
@pytest.mark.parametrize("person", EVERYONE)
def test_the_table(client, cast, keys, tally, person):
    routes, unexpected = dict(patterns()), []
    cells = [
        (name, target, method, _address(routes[name], keys[target]), expected(person, target))
        for name, row in TABLE.items()
        for target in row.targets
        for method, expected in (("get", row.get), ("post", row.post))
    ]
    cells += [
        (name, "a", method, _address(route, keys["a"]), _admin(person, "a"))
        for name, route in patterns()
        if route.startswith("admin/")
        for method in ("get", "post")
    ]
    for name, target, method, address, expected in cells:
        _enter(client, cast, person)
        status = getattr(client, method)(address).status_code
        if status not in (expected if isinstance(expected, set) else {expected}):
            unexpected.append(f"{person} {method} {name} {target}: {status}, not {expected}")
    tally["cells"] += len(cells)
    tally["unexpected"] += len(unexpected)
    assert unexpected == [], "\n".join(unexpected)


def _enter(client, cast, person: str) -> None:
    """Sign in once; again only where the last deed signed out."""
    wanted = None if person == NOBODY else str(cast[person].pk)
    if client.session.get("_auth_user_id") != wanted:
        client.logout()
        if wanted:
            client.force_login(cast[person])
