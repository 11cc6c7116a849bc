"""Each access policy by raw SQL: every linked table and command, every demo user, two cases.

What is expected is computed from the three tables below, and from the levels that the model names, in the
words of docs/architecture.md; nothing of `core.policies` is used. One case is the first NGO's and shared:
with IOM by consent, with the second NGO by a referral. The other is the second NGO's and isn't shared: IOM
manages its programme, and a protection supervisor has emergency access to it.
"""

import json
import uuid
from dataclasses import dataclass

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from beneficiaries.models.access import case_column
from beneficiaries.same_case import linked_models
from core.context import acting_as, entered_as
from reintegration.demo import DEMO_USERS
from tests.factories.scene import FACTORIES, Scene

pytestmark = pytest.mark.django_db
LINKED = sorted(linked_models(), key=lambda model: model._meta.label)
COMMANDS = ("read", "insert", "update", "delete")

# Each organisation's level on each case; and a user's own level besides.
LEVELS = {
    "a": {"NGO_A": "lead", "IOM": "working", "NGO_B": "referral"},
    "b": {"NGO_B": "lead", "IOM": "summary"},
}
EMERGENCY_LEVELS = {("b", "protection_supervisor"): "working"}
# Who reads and writes files, has summary access and decides, in their own organisation. The others do none of
# it.
WORK = {
    "ngo_a_caseworker": {"reads", "writes", "restricted", "counselling"},
    "ngo_a_reader": {"reads"},
    "ngo_a_supervisor": {"reads", "writes", "restricted", "summaries", "decides"},
    "ngo_b_caseworker": {"reads", "writes", "restricted", "counselling"},
    "iom_supervisor": {"reads", "writes", "restricted", "summaries", "decides"},
    "protection_supervisor": {"reads"},
    "protection_supervisor_2": {"reads"},
    "iom_approver": {"summaries", "decides"},
    "iom_finance": {"summaries", "decides"},
    "programme_manager": {"summaries"},
}
# Which levels satisfy a policy: for users who work with files, and for users with summary access.
OPENS = {
    "lead": {"files": {"lead"}, "summaries": set()},
    "working": {"files": {"lead", "working"}, "summaries": set()},
    "referral": {"files": {"lead", "working"}, "summaries": set()},  # and for the receiver
    "summary": {"files": {"lead", "working"}, "summaries": {"lead", "working", "summary"}},
}


@dataclass
class Row:
    """A row as the lead of the case sees it: its table's model, its case, and its columns."""

    model: type
    target: str
    columns: dict

    def may(self, username: str, command: str) -> bool:
        """Whether the policy of this row's table allows the user this command."""
        level = getattr(self.model.access_policy, command)
        if level is None:
            return False
        if command == "update" and not self.may(username, "read"):
            return False  # a row that isn't visible can't be updated
        work, own = WORK.get(username, set()), DEMO_USERS[username][2]
        if command == "insert" and self.model._meta.label == "beneficiaries.Case":
            return "writes" in work and LEVELS[self.target].get(own) == "lead"
        files = ("reads" if command == "read" else "writes") in work
        summaries = ("summaries" if command == "read" else "decides") in work
        levels = {LEVELS[self.target].get(own), EMERGENCY_LEVELS.get((self.target, username))} - {None}
        kind = (
            self.columns.get("confidentiality", "normal")
            if self.model.access_policy.by_confidentiality
            else "normal"
        )
        if kind != "normal":
            return files and "lead" in levels and kind in work
        sent_here = files and level == "referral" and "referral" in levels and self.columns["receiver"] == own
        return bool(
            (files and levels & OPENS[level]["files"])
            or (summaries and levels & OPENS[level]["summaries"])
            or sent_here
        )


@pytest.fixture(scope="module")
def rows(own_database) -> list[Row]:
    """Return rows of both cases in every linked table: one of each kind of note and document, two referrals."""
    scenes = {
        "a": Scene(receivers=["NGO_C", "NGO_B"], shares=True),
        "b": Scene("ngo_b_caseworker", shares=False),
    }
    found = []
    for target, scene in scenes.items():
        with scene.whole().acting():
            found += [row for model in LINKED for row in _of(model, target, scene.case)]
    return found


def _of(model, target: str, case) -> list[Row]:
    """Return the rows of a case as its lead reads them; one of each kind."""
    key, table = case_column(model), model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT to_jsonb(t) FROM {table} t WHERE {key} = %s ORDER BY id", [case.pk])
        found = [json.loads(row[0]) if isinstance(row[0], str) else row[0] for row in cursor.fetchall()]
        cursor.execute("SELECT id::text, code FROM accounts_organisation")
        codes = dict(cursor.fetchall())
    assert found, model._meta.label
    unlike = {(row.get("confidentiality"), row.get("receiver_id")): row for row in found}
    return [
        Row(model, target, row | ({"receiver": codes[row["receiver_id"]]} if "receiver_id" in row else {}))
        for row in unlike.values()
    ]


def _passes(cursor, row: Row, command: str) -> bool:
    """Send one statement and roll it back; return whether the access policies allowed it."""
    table, factory = row.model._meta.db_table, FACTORIES[row.model]
    key = row.columns["id"]
    if command == "insert":
        copy = row.columns | {"id": str(uuid.uuid4())} | factory.copy
        if factory.by:
            copy[factory.by] = str(entered_as())
        statement = f"INSERT INTO {table} SELECT * FROM jsonb_populate_record(NULL::{table}, %s::jsonb)"
        values = [json.dumps(copy)]
    else:
        statement = {
            "read": f"SELECT id FROM {table} WHERE id = %s",
            "update": f"UPDATE {table} SET id = id WHERE id = %s",
            "delete": f"DELETE FROM {table} WHERE id = %s",
        }[command]
        values = [key]
    try:
        with transaction.atomic():
            cursor.execute(statement, values)
            count = cursor.rowcount
            transaction.set_rollback(True)
    except IntegrityError:
        return True  # a constraint or trigger refused it: the access policies allowed it
    except DatabaseError as error:
        if not any(words in str(error) for words in ("permission denied", "row-level security")):
            raise
        return False
    return count == 1


def test_every_policy_allows_what_its_level_says_and_nothing_else(rows, demo_users):
    assert {row.model for row in rows} == set(LINKED)
    unexpected, cells = [], 0
    for username in DEMO_USERS:
        with acting_as(demo_users[username]), connection.cursor() as cursor:
            for row in rows:
                for command in COMMANDS:
                    cells += 1
                    passed, expected = _passes(cursor, row, command), row.may(username, command)
                    if passed != expected:
                        kind = row.columns.get("confidentiality") or row.columns.get("receiver") or ""
                        unexpected.append(
                            f"{username} {command} {row.model._meta.label} {kind} of {row.target}: {passed}"
                        )
    assert unexpected == [], "\n".join(unexpected)
    assert cells == len(DEMO_USERS) * len(rows) * len(COMMANDS)
