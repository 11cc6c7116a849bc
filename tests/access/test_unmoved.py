"""What one organisation meets does not move with what another one holds: pages, counts, errors, keys."""

import re
import uuid
from itertools import pairwise
from urllib.parse import urlencode

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection

from accounts.models import User
from accounts.operations import save_user
from api.resources import RESOURCES
from core import reference
from core.clock import now
from core.context import acting_as
from tests import factories
from tests.access import test_addresses
from tests.access.test_addresses import TABLE, TARGETS, address_of, enter
from tests.addresses import patterns
from tests.api.test_api import Program, opening
from tests.copies import copies
from tests.pages import visit

A, B = "ngo_a_caseworker", "ngo_b_caseworker"
keys = test_addresses.keys
# What differs from one answer to the next and tells nothing: the keys of forms, and the tokens of searches.
FLEETING = re.compile(
    rb'name="(?:csrfmiddlewaretoken|(?:\w+-)?form_key)" value="[^"]*"|(?<=[?;&]q=)[\w-]{16}|(?<=%3Fq%3D)[\w-]{16}'
)
PAGES = (
    "/",
    "/cases/",
    "/cases/?status=active",
    "/cases/?status=closed",
    "/cases/?district=302",
    "/cases/?from=50",
    "/cases/?from=100",
    "/cases/?find=sun",
    "/cases/?find=kanari",
    "/grants/",
    "/follow-ups/",
    "/referrals/",
    "/projects/",
)


def _still(response) -> bytes:
    assert response.status_code == 200, response
    return FLEETING.sub(b"", response.content)


def _a_rich_case(username: str, code: str, demo_users, **person):
    by = demo_users[username]
    with acting_as(by):
        case = factories.a_case(by, code, details=factories.beneficiary_details(**person))
        factories.share_with_iom(case, by)
        grant = factories.requested(factories.planned(case, by), by)
    factories.approved(grant, demo_users)
    factories.paid(grant, demo_users)
    return case


def _everything_met(client, program: Program) -> dict[str, bytes]:
    """Each page, and each list of the API from its first page to its last."""
    met = {address: _still(visit(client, address)) for address in PAGES}
    for kind in RESOURCES:
        address: str | None = f"/api/v1/{kind.path}/?page_size=60"
        while address:
            response = program.get(address)
            met[address] = _still(response)
            address = (response.json()["next"] or "").removeprefix("http://testserver")
    return met


@pytest.mark.walk
def test_a_thousand_cases_of_another_move_nothing(demo_users, committed, owner, sign_in):
    own = copies(owner, _a_rich_case(A, "NGO_A", demo_users), 120)
    theirs = _a_rich_case(B, "NGO_B", demo_users, first_name="Kanari")
    client, program = sign_in(A), Program(demo_users[A])
    before = _everything_met(client, program)
    assert any(name in before["/cases/?from=100"].decode() for name in own), "deep pages hold rows"
    assert len(before) > len(PAGES) + len(RESOURCES) + 5, "cursors were followed"
    made = copies(owner, theirs, 1000)
    after = _everything_met(client, program)
    assert [address for address in before if before[address] != after[address]] == []
    assert after.keys() == before.keys()
    # The positive control: the other organisation and IOM, with whom it is shared, do meet them.
    its_own = sign_in(B).get("/cases/").content.decode()
    assert sum(name in its_own for name in made) == 50
    assert "1,000+" in its_own
    assert any(name in sign_in("iom_supervisor").get("/cases/").content.decode() for name in made)


def test_references_are_random_and_unrelated(db):
    made = [reference.make() for _ in range(600)]
    assert len(set(made)) == len(made)
    assert made != sorted(made)
    for place in (0, 1, 2, 3, 5, 6, 7):  # 4 and 8 are dashes, 9 the check character
        assert len({text[place] for text in made}) == len(reference.SIGNS), "every sign in every place"
    neighbours = sum(a[:2] == b[:2] for a, b in pairwise(made))
    assert neighbours < 10, "one reference says nothing of the next"


@pytest.mark.django_db
@pytest.mark.parametrize("kind", RESOURCES, ids=lambda kind: kind.path)
def test_lists_are_filtered_and_ordered_by_nothing_that_is_hidden(demo_users, kind):
    """What isn't a filter of the list is refused by its name, whether it would find something or not."""
    program = Program(demo_users[B])
    for name, value in (
        ("ordering", "risk"),
        ("district", "302"),
        ("case__file__current_district__code", "302"),
        ("case__beneficiary__first_name__startswith", "S"),
        ("lead_organisation", "NGO_A"),
        ("search", "Sunita"),
    ):
        answer = program.get(f"{kind.path}/", {name: value})
        assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (400, [name])


@pytest.mark.django_db
def test_a_filter_by_a_hidden_key_finds_what_one_by_a_missing_key_finds(demo_users, sign_in):
    with acting_as(demo_users[A]):
        case = factories.a_case(
            demo_users[A], details=factories.beneficiary_details(first_name="Kanarifirst")
        )
        factories.planned(case, demo_users[A])
    program, client = Program(demo_users[B]), sign_in(B)
    for kind in RESOURCES:
        if "case" in kind.query_class().fields:
            hidden, missing = (
                program.get(f"{kind.path}/", {"case": str(key)}) for key in (case.pk, uuid.uuid4())
            )
            assert (hidden.status_code, hidden.content) == (missing.status_code, missing.content), kind.path
    for hidden, missing in ((case.reference, reference.make()), ("kanarifirst", "kanarinobody")):
        found = [visit(client, "/cases/?" + urlencode({"find": word})) for word in (hidden, missing)]
        assert _still(found[0]).replace(hidden.encode(), b"") == _still(found[1]).replace(
            missing.encode(), b""
        )


@pytest.mark.django_db
def test_a_mark_made_from_a_hidden_row_is_compared_with_what_one_sees(demo_users):
    """A cursor of the first NGO's list, sent by the second: rows of the second alone."""
    first, second = Program(demo_users[A]), Program(demo_users[B])
    own = set(second.keys("cases"))
    address = first.get("cases/", {"page_size": 2}).json()["next"]
    assert address
    rows = second.get(address.removeprefix("http://testserver")).json()["results"]
    assert {row["id"] for row in rows} <= own


# Constraints by which a row of one organisation can stand in the way of another's, and why that tells nothing.
ACROSS = {
    "beneficiaries_case_reference_once": "made at random by the application; nobody chooses one",
    "beneficiaries_case_imported_once": "within the lead organisation",
    "beneficiaries_export_reference_once": "made at random by the application; nobody chooses one",
    "beneficiaries_exportfile_export_id_key": "one file an export, made by the worker",
    "core_auditlink_place_once": "given by a trigger, and read by who verifies",
    "beneficiaries_document_file_once": "256 random bits; nobody chooses one",
    "core_outbox_key_once": "made of keys of rows, which are random; nobody chooses one",
    "accounts_notice_once": "within the recipient; made of keys of rows",
    "projects_ledger_source_once": "one entry an instalment, made by the operation that pays it",
    "accounts_token_digest_once": "a digest of 256 random bits",
    "accounts_proof_once": "within a person",
    "accounts_request_once": "within a user and a role, of those who may see its request",
    "unique_authenticator_type": "within a person",
    "accounts_membership_no_overlap": "within a person and a role, which have one organisation",
    "accounts_role_once_an_organisation": "within an organisation",
    "accounts_role_group_id_key": "a role's group is made with it",
    "accounts_user_username_key": "user names are given by administrators of IOM, who see all users",
    "accounts_organisation_code_once": "given by administrators, who see all organisations",
}
# Of a case, or of a row of one: whoever can write into the case sees what is in the way.
WITHIN_A_CASE = (
    "_in_case",
    "beneficiaries_access_once",
    "beneficiaries_casefile_case_id_key",
    "beneficiaries_consent_one_live_answer",
    "beneficiaries_enrolment_once_a_project",
    "reintegration_grant_one_open_a_plan",
    "beneficiaries_referral_one_running_a_receiver",
    "beneficiaries_transfer_one_running_a_case",
    "beneficiaries_shared_item_once",
    "reintegration_follow_up_scheduled_once",
    "reintegration_follow_up_one_safety_step",
    "reintegration_instalment_number_once",
    "reintegration_plan_once_an_enrolment",
    "reintegration_reminder_once_a_day",
)
CONFIGURATION = ("auth_", "django_", "guardian_", "geography_", "projects_", "core_cache")
CONFIGURATION += ("accounts_user_", "accounts_organisationgroup", "account_email")


@pytest.mark.django_db
def test_what_must_be_unique_across_organisations_is_explained():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT i.indexrelid::regclass::text, i.indrelid::regclass::text FROM pg_index i "
            "JOIN pg_class c ON c.oid = i.indrelid WHERE c.relnamespace = 'public'::regnamespace "
            "AND (i.indisunique OR i.indisexclusion) AND NOT i.indisprimary"
        )
        found = {
            name for name, table in cursor.fetchall() if name in ACROSS or not table.startswith(CONFIGURATION)
        }
    assert {name for name in found if not name.endswith(WITHIN_A_CASE)} == set(ACROSS)


@pytest.mark.django_db
def test_the_same_person_is_registered_by_each_without_a_word_of_the_other(demo_users):
    """One woman who goes to two NGOs, with one program's key for both: the answers differ in keys alone."""
    key = str(uuid.uuid4())
    fresh = uuid.uuid4()
    made = [
        Program(demo_users[username]).post(
            "cases/", opening(organisation=str(factories.organisation(code).pk)), Idempotency_Key=str(used)
        )
        for username, code, used in ((B, "NGO_B", key), (A, "NGO_A", key), (A, "NGO_A", fresh))
    ]
    assert [answer.status_code for answer in made] == [201, 201, 201]
    second, third = ({**answer.json(), **dict.fromkeys(("id", "reference"))} for answer in made[1:])
    assert second.keys() == third.keys()
    assert second["status"] == third["status"]


def test_a_forms_key_that_another_person_used_is_not_in_the_way(demo_users, sign_in):
    """Else a form that was sent with somebody's key would lead nowhere, and say so."""
    body = {
        "was_told": "on",
        "agrees": "yes",
        "given_by": "self",
        "reason": "",
        "how": "spoken",
        "form_key": str(uuid.uuid4()),
    }
    led = [
        sign_in(username).post("/cases/new/", body | {"organisation": str(factories.organisation(code).pk)})
        for username, code in ((B, "NGO_B"), (A, "NGO_A"))
    ]
    for answer in led:
        assert answer.status_code == 302, answer.content.decode()[-2000:]
        assert re.fullmatch(r"/cases/new/[0-9a-f-]{36}/beneficiary/", answer["Location"])


DENIALS = "SELECT actor_id, verb, object_type, object_id, case_id, detail - 'path' FROM core_auditevent WHERE at > %s"


def test_hidden_and_missing_are_one_answer_at_every_address(client, demo_users, committed, owner, keys):
    """Status, headers, cookies and bytes, and what is recorded of it; GET and POST, pages and API."""
    routes, unlike, asked = dict(patterns()), [], 0
    missing = {name: reference.make() if name == "reference" else str(uuid.uuid4()) for name in keys["a"]}
    missing["code"] = keys["a"]["code"]
    for person, target in ((A, "b"), (B, "a"), ("programme_manager", "b")):
        enter(client, demo_users, person)
        for name, row in TABLE.items():
            for method, expected in (("get", row.get), ("post", row.post)):
                if row.targets == TARGETS and expected(person, target) == expected(person, "missing") == 404:
                    asked += 1
                    told = [
                        _answer(client, method, address_of(routes[name], found), owner)
                        for found in (keys[target], missing)
                    ]
                    if told[0] != told[1]:
                        unlike.append(f"{person} {method} {name}: {told}")
    assert unlike == []
    assert asked > 100


def _answer(client, method: str, address: str, owner) -> tuple:
    owner.execute(
        "DELETE FROM core_denialcount"
    )  # as after a while: of many refusals a minute not all are kept
    at = now()
    response = getattr(client, method)(address)
    owner.execute(DENIALS, [at])
    cookies = sorted(client.cookies.keys())
    return (response.status_code, response.content, sorted(response.items()), cookies, *owner.fetchall())


def test_a_user_name_is_refused_alike_wherever_it_is_taken(demo_users):
    """User names are one list, kept by administrators of IOM; who isn't one is refused before anything is looked up."""
    for username in ("ngo_b_caseworker", "a_fresh_name"):
        with acting_as(demo_users[A]), pytest.raises(PermissionDenied):
            save_user(user=User(username=username, email="x@example.org"), by=demo_users[A], now=now())
