"""Who reads, adds and changes the rows of one case, table by table, by the policies alone.

The factory of each model names them (tests/factories/scene.py), for a case of the first NGO that is shared with IOM
and referred to the second NGO.
"""

import uuid

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from accounts.choices import Permission
from accounts.models import Notice, Role
from accounts.operations.users import tailor_role
from beneficiaries.models import Case, Export, ExportFile, IntakeDraft
from beneficiaries.same_case import linked_models
from core import policies
from core.clock import now
from core.context import acting_as
from projects.models import LedgerEntry
from reintegration.demo import DEMO_USERS
from reintegration.models import Grant
from tests import factories
from tests.factories.scene import DECIDES, FACTORIES, Scene

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("set_up")]
A, B = "ngo_a_caseworker", "ngo_b_caseworker"
# Rows of one user or of those who decide on a request, and of no case: tests of their own.
OF_USERS = {IntakeDraft, Export, ExportFile}


@pytest.fixture(scope="module")
def case(own_database):
    return Scene(receivers=["NGO_C", "NGO_B"], shares=True).whole().case


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


def test_every_model_about_a_beneficiary_has_a_factory():
    """Of a case, or encrypted with the key of a beneficiary."""
    about = {model for model in policies.own_models() if hasattr(model, "data_key_subject")}
    assert {model._meta.label for model in FACTORIES} == {
        model._meta.label for model in {*linked_models(), *about} - OF_USERS
    }


def test_rows_of_a_case_are_read_and_written_as_the_table_says_by_the_database_alone(case, demo_users):
    copies, surprises = {}, []
    with acting_as(demo_users[A]):
        for model, factory in FACTORIES.items():
            found = model.objects.filter(**factory.key(case))
            if getattr(model.access_policy, "by_confidentiality", False):
                found = found.filter(confidentiality="normal")
            copies[model] = _decrypted(found[0])
            for name, value in factory.copy.items():
                setattr(copies[model], name, value)
    for username in DEMO_USERS:
        with acting_as(demo_users[username]):
            for model, row in copies.items():
                factory = FACTORIES[model]
                rows = model.objects.filter(**factory.key(case))
                row.pk = uuid.uuid4()
                if factory.by:
                    setattr(row, factory.by, demo_users[username].pk)
                found = (rows.exists(), _may_add(row), _may_change(rows))
                wanted = tuple(
                    username in people for people in (factory.reads, factory.adds, factory.changes)
                )
                if found != wanted:
                    surprises.append(f"{username} {model._meta.label}: {found}, not {wanted}")
    assert surprises == []


def test_ledger_entries_are_posted_by_those_who_decide(case, demo_users):
    with acting_as(demo_users["iom_finance"]):
        entry = LedgerEntry.objects.filter(source_kind="instalment").first()
    # A user with summary access who decides on nothing: no starting role is like that.
    role = Role.objects.get(organisation__code="IOM", code="programme_manager")
    tailor_role(role=role, codenames=[Permission.READ_SUMMARIES], by=None, now=now())
    with acting_as(demo_users["programme_manager"]):
        assert not _may_change(Grant.objects.filter(case=case))
    reads, posts, posted = set(), set(), entry.pk
    for username in DEMO_USERS:
        with acting_as(demo_users[username]):
            reads |= {username} if LedgerEntry.objects.filter(pk=posted).exists() else set()
            entry.pk = uuid.uuid4()
            posts |= {username} if _may_add(entry) else set()
    assert posts == DECIDES - {"ngo_a_supervisor"}
    assert reads == posts | {"programme_manager"}


def test_each_organisation_sees_its_own_access_rows_alone(case, demo_users):
    for username, code in ((A, "NGO_A"), (B, "NGO_B"), ("iom_approver", "IOM"), ("researcher", "")):
        with acting_as(demo_users[username]), connection.cursor() as cursor:
            cursor.execute(
                "SELECT DISTINCT o.code FROM beneficiaries_caseaccess a "
                "JOIN accounts_organisation o ON o.id = a.organisation_id"
            )
            assert [row[0] for row in cursor.fetchall()] == ([code] if code else [])


def test_a_referral_opens_no_amounts_to_who_sees_summaries(case, demo_users):
    """The second NGO received a referral of the case; a starting role there has no summary access."""
    role = Role.objects.get(organisation__code="NGO_B", code="reader")
    tailor_role(role=role, codenames=[Permission.READ_SUMMARIES], by=None, now=now())
    user = factories.a_colleague("second_reader", "NGO_B", "reader")
    with acting_as(user):
        assert not Case.objects.filter(pk=case.pk).exists()
        assert not Grant.objects.filter(case=case).exists()


def test_each_user_reads_their_own_notices_alone(case, demo_users):
    readers = {}
    for username in (A, "ngo_a_supervisor", "iom_supervisor"):
        with acting_as(demo_users[username]):
            readers[username] = set(Notice.objects.values_list("recipient__username", flat=True))
    assert readers == {username: {username} for username in readers}


def test_a_grant_starts_as_requested_whatever_its_row_says(case, demo_users):
    with acting_as(demo_users[A]):
        grant = Grant.objects.get(case=case)
        grant.pk, grant.approved_at = uuid.uuid4(), now()
        with pytest.raises(IntegrityError, match="starts as requested"), transaction.atomic():
            grant.save(force_insert=True)
