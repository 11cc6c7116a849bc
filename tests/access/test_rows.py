"""Who reads, adds and changes the rows of one case, table by table, by the policies alone.

The table names users and not levels: a level weakened in a model's `access_policy` changes Python's scope and
the policies together, and is found here. The case is the first NGO's, shared with IOM and referred to the
second NGO.
"""

import uuid

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from accounts.choices import Permission
from accounts.models import Role
from accounts.operations.users import tailor_role
from beneficiaries.models import Beneficiary
from beneficiaries.models.access import case_column
from beneficiaries.same_case import linked_models
from core import policies
from core.clock import now
from core.context import acting_as
from projects.models import LedgerEntry
from reintegration.choices import GrantState
from reintegration.demo import DEMO_USERS
from reintegration.models import Grant
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("set_up")]
A, B, SUPERVISOR = "ngo_a_caseworker", "ngo_b_caseworker", "iom_supervisor"
LEADS = {A, "ngo_a_supervisor"}
WRITES = LEADS | {SUPERVISOR}
WORKS = {*WRITES, "ngo_a_reader", "protection_supervisor", "protection_supervisor_2"}
DECIDES = {SUPERVISOR, "ngo_a_supervisor", "iom_approver", "iom_finance"}
REFERENCE = {*WORKS, *DECIDES, "programme_manager"}
NOBODY: set[str] = set()

# Reads, adds, changes.
ROWS = {
    "beneficiaries.Case": (REFERENCE, LEADS, WRITES),
    "beneficiaries.CaseFile": (WORKS, WRITES, WRITES),
    "beneficiaries.Consent": (WORKS, LEADS, LEADS),
    "beneficiaries.ConsentChange": (WORKS, LEADS, NOBODY),
    "beneficiaries.EmergencyOpening": (WORKS, NOBODY, NOBODY),
    "beneficiaries.RiskAssessment": (WORKS, WRITES, NOBODY),
    "beneficiaries.Screening": (WORKS, WRITES, NOBODY),
    "beneficiaries.Assessment": (WORKS, WRITES, NOBODY),
    "beneficiaries.Enrolment": (REFERENCE, WRITES, WRITES),
    "beneficiaries.CaseNote": (WORKS, WRITES, NOBODY),
    "beneficiaries.CaseChange": (WORKS, WRITES, NOBODY),
    "beneficiaries.Document": (WORKS, WRITES, LEADS),
    "beneficiaries.Referral": (WORKS | {B}, LEADS, WRITES | {B}),
    "beneficiaries.SharedItem": (WORKS | {B}, LEADS, NOBODY),
    "beneficiaries.CaseTransfer": (WORKS, LEADS, NOBODY),
    "beneficiaries.Assignment": (WORKS, LEADS, NOBODY),
    "reintegration.FollowUp": (WORKS, WRITES | DECIDES, WRITES),
    "reintegration.Reminder": (WORKS, WRITES | DECIDES, WRITES),
    "reintegration.Plan": (WORKS, WRITES, WRITES),
    "reintegration.Grant": (REFERENCE, WRITES, WRITES | DECIDES),
    "reintegration.Instalment": (REFERENCE, WRITES | DECIDES, WRITES | DECIDES),
}
# Values for the added copies that pass the triggers, which run before the policies.
COPIES = {
    "reintegration.Grant": {"state": GrantState.REQUESTED, "endorsed_by": None, "approved_by": None},
    "reintegration.Instalment": {"amount_npr": 1},
}
# The column in which a trigger asks for the acting user.
BY_ITS_USER = {"beneficiaries.CaseTransfer": "offered_by", "beneficiaries.Document": "by"}


@pytest.fixture
def case(demo_users):
    return factories.whole_case(demo_users, factories.organisation("NGO_B"), shared=True)


def _decrypted(row):
    """Read the row's encrypted columns: a copy under another id couldn't decrypt them."""
    for field in row._meta.concrete_fields:
        getattr(row, field.attname)
    return row


def _may_add(row) -> bool:
    """Whether the policies let this row in; a constraint that refuses it afterwards doesn't count."""
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            transaction.set_rollback(True)
    except ProgrammingError:
        return False
    except IntegrityError:
        return True
    return True


def _may_change(rows) -> bool:
    """Whether the update policies find one of these rows."""
    try:
        with transaction.atomic():
            return bool(list(rows.select_for_update().values_list("pk", flat=True)))
    except ProgrammingError:
        return False


def test_the_table_names_every_table_of_a_case():
    assert set(ROWS) == {model._meta.label for model in linked_models()}


def test_rows_of_a_case_are_read_and_written_as_the_table_says_by_the_database_alone(case, demo_users):
    copies, surprises = {}, []
    with acting_as(demo_users[A]):
        for model in linked_models():
            found = model.objects.filter(**{case_column(model): case.pk})
            if policies.policy_of(model).by_confidentiality:
                found = found.filter(confidentiality="normal")
            copies[model] = _decrypted(found[0])
    for username in DEMO_USERS:
        with acting_as(demo_users[username]):
            for model, row in copies.items():
                label = model._meta.label
                rows = model.objects.filter(**{case_column(model): case.pk})
                row.pk = uuid.uuid4()
                for name, value in COPIES.get(label, {}).items():
                    setattr(row, name, value)
                if label in BY_ITS_USER:
                    setattr(row, BY_ITS_USER[label], demo_users[username])
                found = (rows.exists(), _may_add(row), _may_change(rows))
                wanted = tuple(username in people for people in ROWS[label])
                if found != wanted:
                    surprises.append(f"{username} {label}: {found}, not {wanted}")
    assert surprises == []


def test_a_beneficiary_is_read_by_those_on_the_case_and_changed_by_who_registered_them(case, demo_users):
    reads, changes = set(), set()
    for username in DEMO_USERS:
        with acting_as(demo_users[username]):
            rows = Beneficiary.objects.filter(pk=case.beneficiary_id)
            reads |= {username} if rows.exists() else set()
            changes |= {username} if _may_change(rows) else set()
    assert (reads, changes) == (WORKS, LEADS)


def test_ledger_entries_are_posted_by_those_who_decide(case, demo_users):
    with acting_as(demo_users["iom_finance"]):
        entry = LedgerEntry.objects.filter(source_kind="instalment").first()
    # A user with summary access who decides on nothing: no starting role is like that.
    role = Role.objects.get(organisation__code="IOM", code="programme_manager")
    tailor_role(role=role, codenames=[Permission.READ_SUMMARIES], by=None, now=now())
    with acting_as(demo_users["programme_manager"]):
        assert LedgerEntry.objects.filter(pk=entry.pk).exists()
    posts = set()
    for username in DEMO_USERS:
        with acting_as(demo_users[username]):
            entry.pk = uuid.uuid4()
            posts |= {username} if _may_add(entry) else set()
    assert posts == DECIDES - {"ngo_a_supervisor"}


def test_each_organisation_sees_its_own_access_rows_alone(case, demo_users):
    for username, code in ((A, "NGO_A"), (B, "NGO_B"), ("iom_approver", "IOM"), ("researcher", "")):
        with acting_as(demo_users[username]), connection.cursor() as cursor:
            cursor.execute(
                "SELECT DISTINCT o.code FROM beneficiaries_caseaccess a "
                "JOIN accounts_organisation o ON o.id = a.organisation_id"
            )
            assert [row[0] for row in cursor.fetchall()] == ([code] if code else [])


def test_a_grant_starts_as_requested_whatever_its_row_says(case, demo_users):
    with acting_as(demo_users[A]):
        grant = Grant.objects.get(case=case)
        grant.pk, grant.approved_at = uuid.uuid4(), now()
        with pytest.raises(IntegrityError, match="starts as requested"), transaction.atomic():
            grant.save(force_insert=True)
