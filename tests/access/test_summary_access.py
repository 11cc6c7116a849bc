"""Who has summary access learns of references and amounts, and nothing of what the people are."""

import re

import pytest
from django.db import connection
from psycopg2.errors import CheckViolation

from beneficiaries.models import CaseAccess
from core import policies
from core.context import acting_as
from core.policies import AccessPolicy, Level, TablePolicy
from tests.access import test_addresses
from tests.access.test_addresses import TABLE, address_of, enter
from tests.access.test_unmoved import FLEETING
from tests.addresses import patterns

keys = test_addresses.keys
# Codes that are made for each answer, and when a session was last used.
FLEETING_PAGES = ("accounts:factor-", "accounts:recovery", "accounts:security", "accounts:sign-out")
# What asking for every address writes down of whoever asks.
OF_THE_WALK = {"core_auditevent", "core_denialcount", "accounts_notice"}
# Of a case that isn't shared: `b`. Each of them sees it by its reference alone.
SUMMARY = ("iom_approver", "iom_finance", "programme_manager", "iom_supervisor")
TARGET, WORKS = "b", "ngo_b_caseworker"
ATTRIBUTES = {
    "sex",
    "birth_on",
    "birth_precision",
    "birth_as_typed",
    "citizenship",
    "groups",
    "primary_group",
}
ATTRIBUTES |= {
    "country_of_stay",
    "current_district",
    "home_district",
    "home_local_level",
    "home_place",
    "risk",
}
# A man instead of a woman, a child, from elsewhere, in another situation.
OTHERWISE = [
    "UPDATE beneficiaries_beneficiary SET sex = 'male', birth_on = '2012-03-04', citizenship = 'IN', "
    "home_district_id = (SELECT id FROM geography_district WHERE code = '405') WHERE id = "
    "(SELECT beneficiary_id FROM beneficiaries_case WHERE reference = %(case)s)",
    "UPDATE beneficiaries_casefile SET groups = '{street_child}', primary_group = 'street_child', "
    "country_of_stay = 'MY', "
    "current_district_id = (SELECT id FROM geography_district WHERE code = '405') WHERE case_id = "
    "(SELECT id FROM beneficiaries_case WHERE reference = %(case)s)",
]


def _answers(client, demo_users, person: str, values: dict[str, str]) -> dict[str, bytes]:
    """What each address answers, that which differs from one answer to the next left out."""
    enter(client, demo_users, person)
    found = {}
    for name, route in patterns():
        if name in TABLE and not name.startswith(FLEETING_PAGES):
            address = address_of(route, values)
            response = client.get(address)
            if response.status_code == 200 and not response.streaming:
                found[address] = re.sub(rb'nonce="[^"]*"', b"", FLEETING.sub(b"", response.content))
    return found


def _tables(user) -> dict[str, list[str]]:
    """All that the database shows this person, table by table."""
    found = {}
    with acting_as(user), connection.cursor() as cursor:
        for model in policies.own_models():
            policy = policies.policy_of(model)
            if isinstance(policy, AccessPolicy | TablePolicy) and policy.read:
                table = model._meta.db_table
                cursor.execute(f"SELECT t::text FROM {table} t ORDER BY 1")
                found[table] = [row[0] for row in cursor.fetchall()]
    return found


def test_nothing_that_they_are_shown_moves_with_what_the_person_is(
    client, demo_users, committed, owner, keys
):
    """Every address and every table, before and after another person stands behind the same reference."""
    values = keys[TARGET]
    before = {person: _answers(client, demo_users, person, values) for person in (*SUMMARY, WORKS)}
    held = {person: _tables(demo_users[person]) for person in SUMMARY}
    for statement in OTHERWISE:
        owner.execute(statement, {"case": values["reference"]})
        assert owner.rowcount == 1
    for person in SUMMARY:
        after = _answers(client, demo_users, person, values)
        seen = [address for address, answer in after.items() if values["reference"].encode() in answer]
        assert seen, f"{person} is shown the reference"
        assert [where for where in after if after[where] != before[person].get(where)] == [], person
        moved = {table for table, rows in _tables(demo_users[person]).items() if rows != held[person][table]}
        assert moved <= OF_THE_WALK, person
    # The positive control: whoever works on the case is shown the difference.
    assert _answers(client, demo_users, WORKS, values) != before[WORKS]


def test_no_row_that_opens_at_reference_has_a_column_of_the_person():
    opened = [
        model
        for model in policies.own_models()
        if isinstance(policies.policy_of(model), AccessPolicy)
        and policies.policy_of(model).read is Level.SUMMARY
    ]
    assert len(opened) > 3
    told = {
        f"{model._meta.label}.{field.name}"
        for model in opened
        for field in model._meta.concrete_fields
        if field.name in ATTRIBUTES
    }
    assert told == set()


def test_the_database_keeps_no_district_beside_a_reference(committed, owner, demo_users, keys):
    owner.execute("SELECT id FROM beneficiaries_caseaccess WHERE level = 'summary' LIMIT 1")
    (row,) = owner.fetchone()
    with pytest.raises(CheckViolation, match="beneficiaries_access_summary_has_no_place"):
        owner.execute(
            "UPDATE beneficiaries_caseaccess SET district_id = (SELECT id FROM geography_district LIMIT 1) "
            "WHERE id = %s",
            [row],
        )
    with acting_as(demo_users["iom_approver"]):
        rows = CaseAccess.objects.filter(level="summary")
        assert rows.exists()
        assert not rows.exclude(district=None).exists()
