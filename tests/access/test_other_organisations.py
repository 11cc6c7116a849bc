"""Pages, counts, errors and ids of one organisation don't change with the cases of another."""

import re
import uuid
from itertools import pairwise
from urllib.parse import urlencode

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection

from accounts.models import User
from accounts.operations.users import save_user
from api.resources import RESOURCES
from core import reference
from core.clock import now
from core.context import acting_as
from tests import factories
from tests.access import test_addresses
from tests.access.test_addresses import TABLE, TARGETS, address_of, enter
from tests.addresses import patterns
from tests.api.program import Program, opening
from tests.copies import copies
from tests.pages import visit

A, B = "ngo_a_caseworker", "ngo_b_caseworker"
keys = test_addresses.keys
# What differs from one answer to the next and says nothing: form keys, and tokens of searches.
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


def _stable(response) -> bytes:
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


def _everything_shown(client, program: Program) -> dict[str, bytes]:
    """Return each page, and each list of the API from its first page to its last."""
    shown = {address: _stable(visit(client, address)) for address in PAGES}
    for kind in RESOURCES:
        address: str | None = f"/api/v1/{kind.path}/?page_size=60"
        while address:
            response = program.get(address)
            shown[address] = _stable(response)
            address = (response.json()["next"] or "").removeprefix("http://testserver")
    return shown


@pytest.mark.walk
def test_a_thousand_cases_of_another_organisation_change_nothing(demo_users, committed, owner, sign_in):
    own = copies(owner, _a_rich_case(A, "NGO_A", demo_users), 120)
    theirs = _a_rich_case(B, "NGO_B", demo_users, first_name="Kanari")
    client, program = sign_in(A), Program(demo_users[A])
    before = _everything_shown(client, program)
    assert any(name in before["/cases/?from=100"].decode() for name in own), "deep pages hold rows"
    assert len(before) > len(PAGES) + len(RESOURCES) + 5, "cursors were followed"
    made = copies(owner, theirs, 1000)
    after = _everything_shown(client, program)
    assert [address for address in before if before[address] != after[address]] == []
    assert after.keys() == before.keys()
    # The positive control: the other organisation and IOM, with whom it is shared, do see them.
    its_own = sign_in(B).get("/cases/").content.decode()
    assert sum(name in its_own for name in [*made, theirs.reference]) == 50
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
def test_lists_cannot_be_filtered_or_ordered_by_hidden_fields(demo_users, kind):
    """A parameter that isn't a filter of the list is refused by its name, whether it would find something or
    not.
    """
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
def test_a_filter_by_a_hidden_id_answers_like_one_by_a_missing_id(demo_users, sign_in):
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
        assert _stable(found[0]).replace(hidden.encode(), b"") == _stable(found[1]).replace(
            missing.encode(), b""
        )


@pytest.mark.django_db
def test_a_cursor_made_from_a_hidden_row_finds_visible_rows_only(demo_users):
    """A cursor of the first NGO's list, sent by the second: rows of the second alone."""
    first, second = Program(demo_users[A]), Program(demo_users[B])
    own = set(second.keys("cases"))
    address = first.get("cases/", {"page_size": 2}).json()["next"]
    assert address
    rows = second.get(address.removeprefix("http://testserver")).json()["results"]
    assert {row["id"] for row in rows} <= own


# Constraints by which a row of one organisation can conflict with another's, and why that reveals nothing.
ACROSS = {
    "beneficiaries_case_reference_once": "made at random by the application; nobody chooses one",
    "beneficiaries_case_changed_once": "within a case",
    "beneficiaries_beneficiary_changed_once": "within a beneficiary's record",
    "accounts_user_name_once": "names have a random end; administrators, who see all users, choose others",
    "beneficiaries_case_imported_once": "within the lead organisation",
    "beneficiaries_export_reference_once": "made at random by the application; nobody chooses one",
    "beneficiaries_exportfile_export_id_key": "one file an export, made by the worker",
    "core_auditlink_place_once": "given by a trigger, and read by the verification",
    "beneficiaries_document_file_once": "256 random bits; nobody chooses one",
    "core_outbox_key_once": "made of ids of rows, which are random; nobody chooses one",
    "accounts_notice_once": "within the recipient; made of ids of rows",
    "projects_ledger_source_once": "one entry an instalment, made by the operation that pays it",
    "accounts_token_digest_once": "a digest of 256 random bits",
    "beneficiaries_identity_once_a_kind": "within a beneficiary, who belongs to one organisation",
    "beneficiaries_identity_changed_once": "within a document of a beneficiary",
    "beneficiaries_emergency_one_at_a_time": "within a user and a case that they opened",
    "reintegration_plan_changed_once": "within a plan of a case",
    "reintegration_follow_up_changed_once": "within a follow-up of a case",
    "accounts_proof_once": "within a person",
    "accounts_request_once": "within a user and a role, of those who may see its request",
    "unique_authenticator_type": "within a person",
    "accounts_membership_no_overlap": "within a person and a role, which have one organisation",
    "accounts_role_once_an_organisation": "within an organisation",
    "accounts_role_group_id_key": "a role's group is made with it",
    "accounts_user_username_key": "user names are given by administrators of IOM, who see all users",
    "accounts_organisation_one_iom": "added by administrators, who see all organisations",
    "accounts_organisation_code_once": "given by administrators, who see all organisations",
}
# Of a case, or of a row of one: whoever can write to the case sees the conflicting row.
WITHIN_A_CASE = (
    "_in_case",
    "beneficiaries_access_once",
    "beneficiaries_casefile_case_id_key",
    "beneficiaries_consent_one_live_answer",
    "beneficiaries_consent_changed_once",
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
def test_every_uniqueness_across_organisations_is_explained():
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
def test_the_same_woman_is_registered_by_two_ngos_without_a_sign_of_each_other(demo_users):
    """A woman goes to two NGOs, and both send the same idempotency key: the answers differ in ids alone."""
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


def test_a_form_key_that_another_user_used_is_accepted(demo_users, sign_in):
    """Otherwise the form would lead to the other user's page, and so reveal the key's use."""
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


def test_hidden_and_missing_rows_answer_the_same_at_every_address(client, demo_users, committed, owner, keys):
    """Status, headers, cookies and bytes, and what is recorded; GET and POST, pages and API."""
    routes, unlike, asked = dict(patterns()), [], 0
    missing = {name: reference.make() if name == "reference" else str(uuid.uuid4()) for name in keys["a"]}
    missing["code"] = keys["a"]["code"]
    for person, target in ((A, "b"), (B, "a"), ("programme_manager", "b")):
        enter(client, demo_users, person)
        for name, row in TABLE.items():
            for method, expected in (("get", row.get), ("post", row.post)):
                if row.targets == TARGETS and expected(person, target) == expected(person, "missing") == 404:
                    asked += 1
                    answers = [
                        _answer(client, method, address_of(routes[name], found), owner)
                        for found in (keys[target], missing)
                    ]
                    if answers[0] != answers[1]:
                        unlike.append(f"{person} {method} {name}: {answers}")
    assert unlike == []
    assert asked > 100


def _answer(client, method: str, address: str, owner) -> tuple:
    owner.execute(
        "DELETE FROM core_denialcount"
    )  # as after a minute: of many refusals in one minute not all are recorded
    at = now()
    response = getattr(client, method)(address)
    owner.execute(DENIALS, [at])
    cookies = sorted(client.cookies.keys())
    return (response.status_code, response.content, sorted(response.items()), cookies, *owner.fetchall())


def test_a_taken_user_name_and_a_free_one_are_refused_alike(demo_users):
    """User names are one list, managed by administrators of IOM: others are refused before anything is looked
    up.
    """
    for username in ("ngo_b_caseworker", "a_fresh_name"):
        with acting_as(demo_users[A]), pytest.raises(PermissionDenied):
            save_user(user=User(username=username, email="x@example.org"), by=demo_users[A], now=now())
