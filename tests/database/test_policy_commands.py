"""Each access policy by raw SQL: every linked table and command, everyone of the demo users, two cases.

What is expected is worked out from the three tables below, and from the levels that the model names, in the words
of docs/architecture.md; nothing of `core.policies` is asked. One case is the first NGO's and shared: with IOM by
consent, with the second NGO by a referral. The other is the second NGO's and isn't: IOM manages the programme that
it is in, and a protection supervisor opened it in an emergency.
"""

import json
import uuid
from dataclasses import dataclass

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from beneficiaries.models import Assignment, CaseTransfer
from beneficiaries.operations import add_note, break_glass, reassign_cases
from core import policies
from core.clock import now
from core.context import acting_as, entered_as
from core.scoping import Confidentiality
from reintegration.demo import DEMO_USERS
from tests import factories
from tests.access.test_actions_alone import EMERGENCY

pytestmark = pytest.mark.django_db
LINKED = sorted(policies.linked_models(), key=lambda model: model._meta.label)
COMMANDS = ("read", "insert", "update", "delete")

# Which organisation holds which case, and how much of it; and what one person holds beside that.
HOLDS = {
    "a": {"NGO_A": "lead", "IOM": "working", "NGO_B": "referral"},
    "b": {"NGO_B": "lead", "IOM": "summary"},
}
OPENED_IN_AN_EMERGENCY = {("b", "protection_supervisor"): "working"}
# Who reads and writes files, sees figures and decides on them, in their own organisation. The others do nothing of it.
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
# Which held levels open a line: to those who work with files, and to those who work with figures.
OPENS = {
    "lead": {"files": {"lead"}, "summaries": set()},
    "working": {"files": {"lead", "working"}, "summaries": set()},
    "referral": {"files": {"lead", "working"}, "summaries": set()},  # and to the one it was sent to
    "summary": {"files": {"lead", "working"}, "summaries": {"lead", "working", "summary"}},
}


@dataclass
class Row:
    """One row as the owner of the case has it: its table's model, its case, and its columns."""

    model: type
    target: str
    columns: dict

    def may(self, person: str, command: str) -> bool:
        """Whether the line of this row's table opens this command on it to the person."""
        line = getattr(self.model.access_policy, command)
        if line is None:
            return False
        if command == "update" and not self.may(person, "read"):
            return False  # a row that one doesn't see isn't found to be changed
        work, own = WORK.get(person, set()), DEMO_USERS[person][2]
        if command == "insert" and self.model._meta.label == "beneficiaries.Case":
            return "writes" in work and HOLDS[self.target].get(own) == "lead"
        files = ("reads" if command == "read" else "writes") in work
        figures = ("summaries" if command == "read" else "decides") in work
        held = {HOLDS[self.target].get(own), OPENED_IN_AN_EMERGENCY.get((self.target, person))} - {None}
        kind = (
            self.columns.get("confidentiality", "normal")
            if self.model.access_policy.by_confidentiality
            else "normal"
        )
        if kind != "normal":
            return files and "lead" in held and kind in work
        sent_here = files and line == "referral" and "referral" in held and self.columns["receiver"] == own
        return bool(
            (files and held & OPENS[line]["files"])
            or (figures and held & OPENS[line]["summaries"])
            or sent_here
        )


@pytest.fixture
def rows(demo_users) -> list[Row]:
    """Rows of both cases in every linked table: one of each kind of note and paper, two referrals."""
    found, third = [], None
    for target, username, code, other in (
        ("a", "ngo_a_caseworker", "NGO_A", "NGO_B"),
        ("b", "ngo_b_caseworker", "NGO_B", None),
    ):
        by = demo_users[username]
        with acting_as(by):
            third = third or factories.a_third_ngo()
            case = factories.a_case(by, code)
            factories.share_with_iom(case, by, agrees=target == "a")
            grant = factories.requested(factories.planned(case, by), by)
            for kind in Confidentiality.values:
                add_note(case=case, text=f"A {kind} note.", confidentiality=kind, by=by, now=now())
                factories.a_document(case, by, confidentiality=kind)
            for receiver in filter(None, (other and factories.organisation(other), third)):
                factories.referred(case, by, receiver)
            if target == "a":  # of the other case it would open the file to whom it was offered
                factories.offered(case, by, "IOM")
                reassign_cases(cases=[case], caseworker=demo_users["ngo_a_supervisor"], by=by, now=now())
        with acting_as(demo_users["protection_supervisor"]):
            break_glass(
                typed=case.reference, reason=EMERGENCY, by=demo_users["protection_supervisor"], now=now()
            )
        factories.approved(grant, demo_users)
        factories.paid(grant, demo_users)
        with acting_as(by):
            found += [row for model in LINKED for row in _of(model, target, case)]
    return found


def _of(model, target: str, case) -> list[Row]:
    """The rows of a case as its lead reads them; of what is many and alike, one."""
    key, table = policies.case_column(model), model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT to_jsonb(t) FROM {table} t WHERE {key} = %s ORDER BY id", [case.pk])
        found = [json.loads(row[0]) if isinstance(row[0], str) else row[0] for row in cursor.fetchall()]
        cursor.execute("SELECT id::text, code FROM accounts_organisation")
        codes = dict(cursor.fetchall())
    assert found or (model in (Assignment, CaseTransfer) and target == "b"), model._meta.label
    unlike = {(row.get("confidentiality"), row.get("receiver_id")): row for row in found}
    return [
        Row(model, target, row | ({"receiver": codes[row["receiver_id"]]} if "receiver_id" in row else {}))
        for row in unlike.values()
    ]


# What a copy must change so that no trigger stops it before the access policies are asked.
FRESH = {
    "reintegration.Grant": {
        **dict.fromkeys(("endorsed_by_id", "endorsed_at", "approved_by_id", "approved_at")),
        "state": "requested",
    },
    "reintegration.Instalment": {"amount_npr": 1, "number": 2},
}


def _passes(cursor, row: Row, command: str) -> bool:
    """Send one statement and take it back; whether the access policies let it through to the row."""
    table, label = row.model._meta.db_table, row.model._meta.label
    key = row.columns["id"]
    if command == "insert":
        copy = row.columns | {"id": str(uuid.uuid4())} | FRESH.get(label, {})
        if row.model is CaseTransfer:  # offered by whoever acts, says its trigger
            copy["offered_by_id"] = str(entered_as())
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
        return True  # a constraint or a rule of the domain: the access policies were passed
    except DatabaseError as error:
        if not any(words in str(error) for words in ("permission denied", "row-level security")):
            raise
        return False
    return count == 1


def test_every_line_opens_what_it_says_and_nothing_else(rows, demo_users):
    assert {row.model for row in rows} == set(LINKED)
    unexpected, cells = [], 0
    for person in DEMO_USERS:
        with acting_as(demo_users[person]), connection.cursor() as cursor:
            for row in rows:
                for command in COMMANDS:
                    cells += 1
                    passed, expected = _passes(cursor, row, command), row.may(person, command)
                    if passed != expected:
                        kind = row.columns.get("confidentiality") or row.columns.get("receiver") or ""
                        unexpected.append(
                            f"{person} {command} {row.model._meta.label} {kind} of {row.target}: {passed}"
                        )
    assert unexpected == [], "\n".join(unexpected)
    assert cells == len(DEMO_USERS) * len(rows) * len(COMMANDS)
