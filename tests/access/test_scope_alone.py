"""Python's scope with the policies switched off: each limits rows by itself.

The mirror of the tests that go past Python: here the owner switches the policies off, and every scope, page
and answer must show no more than before. In databases of their own, as the tables themselves are changed.
"""

import uuid
from datetime import date

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction

from accounts.models import Membership, Role
from accounts.operations.users import tailor_role
from beneficiaries.models import Beneficiary, CaseAccess, CaseFile, CaseNote
from beneficiaries.operations.case import close_case
from beneficiaries.operations.export import write_next_export
from beneficiaries.operations.note import add_note
from beneficiaries.operations.risk import assess_risk
from beneficiaries.queries.case import case_by_reference, worked_on_case
from beneficiaries.queries.case_list import case_list
from beneficiaries.same_case import linked_models
from core import idempotency, policies
from core.access import Confidentiality, ScopedQuerySet
from core.clock import now
from core.context import acting_as, enter
from reintegration.demo import DEMO_USERS
from reintegration.models import FollowUp
from reintegration.operations.follow_up import record_follow_up
from tests import factories

pytestmark = pytest.mark.usefixtures("set_up")
A, READER, FOCAL, B = "ngo_a_caseworker", "ngo_a_reader", "ngo_a_focal_point", "ngo_b_caseworker"
SUPERVISOR, PROTECTION = "iom_supervisor", "protection_supervisor"
PEOPLE = [*DEMO_USERS, "third"]


def scoped_models():
    """Every protected model with rows that the application may read."""
    return [
        model
        for model in policies.own_models()
        if isinstance(model._default_manager.all(), ScopedQuerySet)
        and policies.conditions(model)["select"] is not None
    ]


@pytest.fixture
def case(scene, demo_users, committed):
    """Return a case with a row in every table, and rows of the other kinds: notices, drafts, other users'
    cases.

    Three users have a role more: summary access beside referral access, restricted notes without counselling
    notes, and summary access in IOM without the right to decide.
    """
    case = scene.case
    with acting_as(demo_users[A]):
        factories.referred(case, demo_users[A], factories.organisation("NGO_B"), name="Another")
        factories.asked_export(demo_users[A], find=case.reference)
    assert write_next_export(now=now())
    for username, organisation, code in (
        (B, "NGO_B", "researcher"),
        (FOCAL, "NGO_A", "supervisor"),
        ("data_steward", "IOM", "researcher"),
    ):
        role = Role.objects.get(organisation__code=organisation, code=code)
        if code == "researcher":
            tailor_role(role=role, codenames=["read_summaries"], by=None, now=now())
        Membership.objects.create(user=demo_users[username], role=role, starts_on=date(2020, 1, 1))
    return case


@pytest.fixture
def shared(case, demo_users):
    """Return another case of the first NGO, which IOM works on."""
    with acting_as(demo_users[A]):
        other = factories.a_case(demo_users[A])
        factories.share_with_iom(other, demo_users[A])
        for kind in Confidentiality.values:
            add_note(case=other, text=f"A {kind} note.", confidentiality=kind, by=demo_users[A], now=now())
    return other


def _changeable(model) -> set:
    """Return what the update policies find."""
    with transaction.atomic():
        return set(model.objects.select_for_update().values_list("pk", flat=True))


def test_pythons_scope_finds_the_rows_that_the_policies_find(shared, demo_users, disable_policies):
    seen, wrong = {}, []
    for username in PEOPLE:
        with acting_as(demo_users[username]):
            for model in scoped_models():
                seen[username, model] = set(model.objects.values_list("pk", flat=True))
                may = policies.conditions(model)["update"] is not None
                seen[username, model, "changes"] = _changeable(model) if may else set()
    disable_policies()
    for (username, model, *changes), rows in seen.items():
        user = demo_users[username]
        verb = "editable_by" if changes else "visible_to"
        with acting_as(user):
            assert model.objects.count() > 0, f"{model._meta.label}: the data that could leak must be there"
            found = set(getattr(model.objects, verb)(user).values_list("pk", flat=True))
        if found != rows:
            wrong.append(f"{username} {model._meta.label} {verb}: {len(found)} rows, not {len(rows)}")
    assert wrong == []


def test_the_policies_of_a_case_limit_rows_even_if_every_access_row_is_visible(shared, demo_users, owner):
    """The policies of a table query the access rows, which have a policy of their own: each limits rows
    without the other.
    """
    linked, seen, wrong = list(linked_models()), {}, []
    for is_open in (False, True):
        if is_open:
            owner.execute(f"ALTER TABLE {CaseAccess._meta.db_table} DISABLE ROW LEVEL SECURITY")
        for username in PEOPLE:
            with acting_as(demo_users[username]):
                for model in linked:
                    rows = set(model.objects.values_list("pk", flat=True))
                    if seen.setdefault((username, model), rows) != rows:
                        wrong.append(f"{username} {model._meta.label}")
    assert wrong == []


def test_pythons_scope_ends_with_access(case, demo_users, owner, disable_policies):
    user = demo_users[PROTECTION]
    disable_policies()
    for expires, count in (("now() + interval '1 hour'", 1), ("now()", 0)):
        owner.execute(f"UPDATE beneficiaries_caseaccess SET expires_at = {expires} WHERE basis = 'emergency'")
        with acting_as(user):
            assert CaseFile.objects.visible_to(user).filter(case=case).count() == count
            assert Beneficiary.objects.visible_to(user).filter(pk=case.beneficiary_id).count() == count
            assert CaseAccess.objects.visible_to(user).filter(case=case, user=user).count() == count


def test_access_found_for_one_user_is_checked_again_for_another(case, shared, demo_users, disable_policies):
    disable_policies()
    with acting_as(demo_users[A]):
        found = case_by_reference(demo_users[A], case.reference)
        assert {note.confidentiality for note in CaseNote.objects.of(found, demo_users[A])} == {
            "normal",
            "restricted",
            "counselling",
        }
    with acting_as(demo_users[B]):
        assert list(CaseNote.objects.of(found, demo_users[B])) == []
        assert list(CaseFile.objects.of(found, demo_users[B])) == []
        assert case_by_reference(demo_users[B], case.reference) is None
        assert worked_on_case(case.pk, demo_users[B]) is None
    with acting_as(demo_users[READER]):
        own = case_by_reference(demo_users[READER], case.reference)
        assert {note.confidentiality for note in CaseNote.objects.of(own, demo_users[READER])} == {"normal"}
    with acting_as(demo_users[SUPERVISOR]):
        theirs = case_by_reference(demo_users[SUPERVISOR], shared.reference)
        assert {note.confidentiality for note in CaseNote.objects.of(theirs, demo_users[SUPERVISOR])} == {
            "normal"
        }
        assert (theirs.may_write, theirs.may_lead) == (True, False)


def test_the_case_list_leaves_out_cases_with_summary_or_referral_access_only(
    case, demo_users, disable_policies
):
    disable_policies()
    for username in (B, "iom_approver", "programme_manager", "iom_supervisor"):
        with acting_as(demo_users[username]):
            assert case.reference not in case_list(demo_users[username]).values_list("reference", flat=True)


def test_a_form_key_belongs_to_its_sender(demo_users, disable_policies):
    key = uuid.uuid4()
    with acting_as(demo_users[A]):
        assert idempotency.claim(key, by=demo_users[A], purpose="x") is None
        idempotency.settle(key, by=demo_users[A], result="/cases/hidden/")
    disable_policies()
    with acting_as(demo_users[B]):
        assert idempotency.claim(key, by=demo_users[B], purpose="x") is None, "a key of their own"


def test_a_context_ends_with_its_transaction(demo_users, committed):
    with transaction.atomic(), connection.cursor() as cursor:
        enter(demo_users[A].pk)
        names = ["access.user_id", "access.settings", *_setting(cursor, "access.settings").split(",")]
        assert len(names) > 2
        assert all(_setting(cursor, name) for name in names)
    with connection.cursor() as cursor:
        assert [name for name in names if _setting(cursor, name)] == []


def _setting(cursor, name: str) -> str:
    cursor.execute("SELECT coalesce(current_setting(%s, true), '')", [name])
    return cursor.fetchone()[0]


def test_a_reader_closes_no_case_and_records_no_visit_by_python_alone(case, demo_users, disable_policies):
    """The policies would refuse to lock a row that the reader may not change; here they are switched off."""
    disable_policies()
    reader = demo_users[READER]
    with acting_as(reader):
        visit = FollowUp.objects.visible_to(reader).filter(case=case, done_on=None)[0]
        with pytest.raises(PermissionDenied):
            close_case(case=case, by=reader, now=now())
        with pytest.raises(PermissionDenied):
            assess_risk(case=case, level="high", source="review", by=reader, now=now())
        with pytest.raises(PermissionDenied):
            record_follow_up(
                follow_up=visit,
                done_on=now().date(),
                outcome="seen",
                wellbeing="good",
                note="",
                by=reader,
                now=now(),
            )
