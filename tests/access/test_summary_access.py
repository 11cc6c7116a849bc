"""A user with summary access learns references and amounts, and nothing about the beneficiaries."""

import re

import pytest
from django.db import connection
from psycopg2.errors import CheckViolation

from beneficiaries.choices import Level
from beneficiaries.models import CaseAccess
from core import policies
from core.access import AccessPolicy
from core.context import acting_as
from tests import walks
from tests.access import test_addresses
from tests.access.test_addresses import TABLE, address_of, enter
from tests.access.test_other_organisations import FLEETING
from tests.addresses import patterns

keys = test_addresses.keys
# Codes that are made for each answer, and times of last use.
FLEETING_PAGES = ("accounts:factor-", "accounts:recovery", "accounts:security", "accounts:sign-out")
# Tables that opening every address writes to.
OF_THE_WALK = {"core_auditevent", "core_denialcount", "accounts_notice"}
# Of a case that isn't shared: `b`. Each of these users has summary access to it.
SUMMARY = ["iom_approver", "iom_finance", "programme_manager", "iom_supervisor"]
SOME = ["iom_approver", "programme_manager"]  # in `make test`; all of them in `make soak`
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


def _answers(client, demo_users, username: str, values: dict[str, str]) -> dict[str, bytes]:
    """Return what each address answers, without what differs from one answer to the next."""
    enter(client, demo_users, username)
    found = {}
    for name, route in patterns():
        if name in TABLE and not name.startswith(FLEETING_PAGES):
            address = address_of(route, values)
            response = client.get(address)
            if response.status_code == 200 and not response.streaming:
                found[address] = re.sub(rb'nonce="[^"]*"', b"", FLEETING.sub(b"", response.content))
    return found


def _tables(user) -> dict[str, list[str]]:
    """Return everything that the database shows this user, by table."""
    found = {}
    with acting_as(user), connection.cursor() as cursor:
        for model in policies.own_models():
            policy = policies.policy_of(model)
            if isinstance(policy, AccessPolicy) and policy.read:
                table = model._meta.db_table
                cursor.execute(f"SELECT t::text FROM {walks.readable(model)} t ORDER BY 1")
                found[table] = [row[0] for row in cursor.fetchall()]
    return found


@pytest.mark.parametrize("readers", walks.parameters([SUMMARY, SOME], keep=[SOME]))
def test_summary_access_shows_the_same_whoever_the_beneficiary_is(
    client, demo_users, committed, owner, keys, readers
):
    """Every address and every table, before and after another beneficiary is put behind the same reference."""
    values = keys[TARGET]
    before = {username: _answers(client, demo_users, username, values) for username in (*readers, WORKS)}
    tables_before = {username: _tables(demo_users[username]) for username in readers}
    for statement in OTHERWISE:
        owner.execute(statement, {"case": values["reference"]})
        assert owner.rowcount == 1
    for username in readers:
        after = _answers(client, demo_users, username, values)
        seen = [address for address, answer in after.items() if values["reference"].encode() in answer]
        assert seen, f"{username} is shown the reference"
        assert [where for where in after if after[where] != before[username].get(where)] == [], username
        moved = {
            table
            for table, rows in _tables(demo_users[username]).items()
            if rows != tables_before[username][table]
        }
        assert moved <= OF_THE_WALK, username
    # The positive control: whoever works on the case sees the difference.
    assert _answers(client, demo_users, WORKS, values) != before[WORKS]


def test_no_row_open_to_summary_access_has_a_column_about_the_beneficiary():
    opened = [
        model
        for model in policies.own_models()
        if isinstance(policies.policy_of(model), AccessPolicy)
        and policies.policy_of(model).read is Level.SUMMARY
    ]
    assert len(opened) > 3
    leaking = {
        f"{model._meta.label}.{field.name}"
        for model in opened
        for field in model._meta.concrete_fields
        if field.name in ATTRIBUTES
    }
    assert leaking == set()


def test_the_database_keeps_no_district_in_a_summary_access_row(committed, owner, demo_users, keys):
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
