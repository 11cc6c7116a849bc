"""The access policies: what the second NGO finds of the first NGO's case, through Python and by PostgreSQL
alone.
"""

import re
import uuid

import pytest
from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection, transaction

from accounts.authority import authority_of
from beneficiaries.models import Beneficiary, Case, CaseAccess, CaseFile, Consent
from beneficiaries.models.access import case_column
from beneficiaries.operations.consent import record_consent, withdraw_consent
from beneficiaries.same_case import linked_models
from core import policies
from core.access import AccessPolicy, Open
from core.clock import now
from core.context import acting_as, enter, entered_as
from tests import factories
from tests.factories.scene import FACTORIES

pytestmark = pytest.mark.django_db

LINKED = sorted(linked_models(), key=lambda model: model._meta.label)


def _count(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return cursor.fetchone()[0]


def _protected():
    return [
        model
        for model in policies.own_models()
        if isinstance(getattr(model, "access_policy", None), AccessPolicy)
    ]


def test_every_model_has_an_access_policy_or_is_listed_as_open():
    unsaid = [
        model._meta.label
        for model in policies.own_models()
        if not model._meta.auto_created
        and not isinstance(getattr(model, "access_policy", None), AccessPolicy | Open)
    ]
    assert unsaid == []


@pytest.mark.parametrize("model", _protected() if apps.ready else [], ids=lambda model: model._meta.label)
def test_without_a_user_there_are_no_rows(model):
    enter(None)
    if model.access_policy.read is None:
        with pytest.raises(DatabaseError), transaction.atomic():
            _count(model._meta.db_table)
    else:
        assert _count(model._meta.db_table) == 0


def test_every_protected_table_is_forced_and_has_one_policy_for_each_command():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity FROM pg_class c "
            "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relkind = 'r'"
        )
        state = {name: (enabled, forced) for name, enabled, forced in cursor.fetchall()}
        cursor.execute(
            "SELECT tablename, cmd, coalesce(qual, with_check) FROM pg_policies WHERE schemaname = 'public'"
        )
        found = cursor.fetchall()
    for model in _protected():
        table = model._meta.db_table
        assert state[table] == (True, True), table
        wanted = {name.upper() for name, sql in policies.conditions(model).items() if sql is not None}
        assert sorted(command for name, command, _ in found if name == table) == sorted(wanted), table
    assert [row for row in found if row[1] == "ALL" or row[2].strip("()") == "true"] == []


def test_the_application_owns_nothing_and_bypasses_nothing():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
        )
        assert cursor.fetchone() == ("iom_app", False, False)
        cursor.execute("SELECT count(*) FROM pg_class WHERE relowner = 'iom_app'::regrole")
        assert cursor.fetchone()[0] == 0
        cursor.execute("SELECT count(*) FROM pg_auth_members WHERE member = 'iom_app'::regrole")
        assert cursor.fetchone()[0] == 0


@pytest.fixture(scope="module")
def whole_case(scene):
    return scene.case


@pytest.mark.parametrize("model", FACTORIES, ids=lambda model: model._meta.label)
def test_the_second_ngo_sees_no_row_of_the_first(model, whole_case, demo_users):
    own, other = demo_users["ngo_a_caseworker"], demo_users["ngo_b_caseworker"]
    key = FACTORIES[model].key(whole_case)
    with acting_as(own):
        assert model.objects.filter(**key).count() >= 1, "the data that could leak must be there"
        assert model.objects.visible_to(own).filter(**key).count() >= 1
    with acting_as(other):
        assert model.objects.filter(**key).count() == 0
        assert model.objects.visible_to(other).filter(**key).count() == 0


@pytest.mark.parametrize("model", FACTORIES, ids=lambda model: model._meta.label)
def test_the_second_ngo_can_write_no_row_of_the_first(model, whole_case, demo_users):
    with acting_as(demo_users["ngo_a_caseworker"]):
        ids = [row.pk for row in model.objects.filter(**FACTORIES[model].key(whole_case))]
    with acting_as(demo_users["ngo_b_caseworker"]), connection.cursor() as cursor:
        for statement in (
            f"UPDATE {model._meta.db_table} SET id = id WHERE id = ANY(%s)",
            f"DELETE FROM {model._meta.db_table} WHERE id = ANY(%s)",
        ):
            command = statement.split()[0].lower()
            if policies.conditions(model)[command] is None:
                with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
                    cursor.execute(statement, [ids])
            else:
                cursor.execute(statement, [ids])
                assert cursor.rowcount == 0, statement


def test_an_organisation_cannot_give_itself_a_case(whole_case, demo_users):
    ngo_b = factories.organisation("NGO_B")
    with acting_as(demo_users["ngo_b_caseworker"]), connection.cursor() as cursor:
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            CaseAccess.objects.create(
                case_id=whole_case.pk,
                organisation=ngo_b,
                level="lead",
                basis="lead",
                reference="x",
                status="active",
                lead_organisation=ngo_b,
                changed_on=now().date(),
            )
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            Consent(
                case_id=whole_case.pk,
                purpose="sharing",
                organisation=ngo_b,
                is_given=True,
                given_by="self",
                how="spoken",
                asked_on=now().date(),
                recorded_by=demo_users["ngo_b_caseworker"],
                recorded_at=now(),
            ).save(force_insert=True)
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            cursor.execute("SELECT access.expected_access(%s)", [whole_case.pk])


def test_the_lead_of_a_case_does_not_change_under_it(whole_case, demo_users):
    with acting_as(demo_users["ngo_a_caseworker"]), pytest.raises(DatabaseError, match="keeps its reference"):
        with transaction.atomic():
            Case.objects.filter(pk=whole_case.pk).update(lead_organisation=factories.organisation("NGO_B"))


def test_approvers_see_references_and_amounts_and_nothing_else(whole_case, demo_users):
    for username in ("iom_approver", "iom_finance", "programme_manager"):
        with acting_as(demo_users[username]):
            seen = {
                model._meta.label: model.objects.filter(**{case_column(model): whole_case.pk}).count()
                for model in LINKED
            }
            assert {label for label, count in seen.items() if count} == {
                "beneficiaries.Case",
                "beneficiaries.Enrolment",
                "reintegration.Grant",
                "reintegration.Instalment",
            }, username
            assert Beneficiary.objects.filter(pk=whole_case.beneficiary_id).count() == 0


def test_consent_opens_the_file_to_iom_and_withdrawal_closes_it(demo_users):
    by, supervisor = demo_users["ngo_a_caseworker"], demo_users["iom_supervisor"]
    with acting_as(by):
        case = factories.a_case(by)
    with acting_as(supervisor):
        assert CaseFile.objects.visible_to(supervisor).filter(case=case).count() == 0
    with acting_as(by):
        consent = factories.share_with_iom(case, by)
    with acting_as(supervisor):
        assert CaseFile.objects.visible_to(supervisor).filter(case=case).count() == 1
        assert Beneficiary.objects.visible_to(supervisor).filter(pk=case.beneficiary_id).count() == 1
    with acting_as(by):
        withdraw_consent(consent=consent, by=by, now=now())
    with acting_as(supervisor):
        assert CaseFile.objects.filter(case=case).count() == 0
        assert Beneficiary.objects.filter(pk=case.beneficiary_id).count() == 0


def test_without_consent_to_share_a_grant_is_decided_with_summary_access(demo_users):
    by = demo_users["ngo_a_caseworker"]
    with acting_as(by):
        case = factories.a_case(by)
        factories.share_with_iom(case, by, agrees=False)
        grant = factories.requested(factories.planned(case, by), by)
    factories.approved(grant, demo_users)
    with acting_as(demo_users["iom_approver"]):
        levels = CaseAccess.objects.filter(case=case, organisation__code="IOM").values_list("level", "basis")
        assert list(levels) == [("summary", "programme")]


def test_rows_of_two_cases_cannot_be_mixed(demo_users):
    by = demo_users["ngo_a_caseworker"]
    with acting_as(by):
        first, second = factories.a_case(by), factories.a_case(by)
        plan = factories.planned(first, by)
        with pytest.raises(DatabaseError, match="same_case"), transaction.atomic():
            plan.case_id, plan.version = second.pk, 2
            plan.save(update_fields=["case_id", "version"])
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_acting_as_restores_the_former_user(demo_users):
    with acting_as(demo_users["ngo_a_caseworker"]):
        with acting_as(demo_users["ngo_b_caseworker"]):
            assert entered_as() == demo_users["ngo_b_caseworker"].pk
        assert entered_as() == demo_users["ngo_a_caseworker"].pk


def test_unknown_and_deactivated_users_cannot_be_entered(demo_users):
    enter(uuid.uuid4())
    assert entered_as() is None
    user = demo_users["ngo_a_caseworker"]
    user.is_active = False
    user.save(update_fields=["is_active"])
    enter(user.pk)
    assert entered_as() is None
    assert _count("beneficiaries_case") == 0
    assert authority_of(user).by_permission == {}
    assert user.principal is None, "or Python's scope would find their own notices"


def test_a_membership_that_ended_opens_nothing(demo_users):
    from accounts.models import Membership

    user = demo_users["ngo_a_caseworker"]
    yesterday = now().date().replace(year=now().year - 1)
    Membership.objects.filter(user=user).update(ends_on=yesterday)
    with acting_as(user):
        assert _count("beneficiaries_caseaccess") == 0
        assert CaseAccess.objects.visible_to(user).count() == 0


def test_policies_are_made_for_each_command_from_the_levels():
    sql = policies.conditions(CaseFile)
    assert sql["delete"] is None
    assert re.search(r"organisations_with\('read_cases'\).*'lead', 'working'", sql["select"], re.S)
    assert "read_summaries" not in sql["select"]
    assert "organisations_with('write_cases')" in sql["update"]


def test_an_organisation_that_works_on_a_case_cannot_share_it(demo_users):
    """IOM works on the case by consent; only the lead may record consent for another organisation."""
    by, supervisor = demo_users["ngo_a_caseworker"], demo_users["iom_supervisor"]
    with acting_as(by):
        case = factories.a_case(by)
        factories.share_with_iom(case, by)
    with acting_as(supervisor):
        with pytest.raises(PermissionDenied):
            record_consent(
                case=case,
                purpose="sharing",
                organisation=factories.organisation("NGO_B"),
                is_given=True,
                given_by="self",
                how="spoken",
                by=supervisor,
                now=now(),
            )
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            Consent(
                case=case,
                purpose="sharing",
                organisation=factories.organisation("NGO_B"),
                is_given=True,
                given_by="self",
                how="spoken",
                asked_on=now().date(),
                recorded_by=supervisor,
                recorded_at=now(),
            ).save(force_insert=True)
