"""Summary access to single programmes: a manager sees their own, and of a case in two programmes one half.

The demo's programme manager may see RASNM, RASNM-2 and FWW. Besides RASNM-2 the cases here are in a programme
of the same organisation that no role is given.
"""

from datetime import timedelta

import psycopg2
import pytest
from django.contrib.auth.models import Group
from django.contrib.auth.models import Permission as DjangoPermission
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, IntegrityError, connection, transaction

from accounts.authority import authority_of
from accounts.models import Membership, Organisation, Role
from beneficiaries.models import Case, CaseAccess, Enrolment
from beneficiaries.same_case import linked_models
from core import policies
from core.access import AccessPolicy
from core.clock import now
from core.context import acting_as
from core.models import AuditEvent
from projects.models import LedgerEntry, Project, ProjectGroupPermission
from projects.operations import choose_programmes
from reintegration import queries
from reintegration.models import Grant, Instalment
from tests import factories, walks
from tests.pages import text_of

pytestmark = pytest.mark.usefixtures("set_up")
A, B, FINANCE, MANAGER = "ngo_a_caseworker", "ngo_b_caseworker", "iom_finance", "programme_manager"
SUMMARY_MODELS = (Case, CaseAccess, Enrolment, Grant, Instalment, LedgerEntry)
FOLLOWED, OTHER = "RASNM-2", "OTHER"


def manager_role() -> Role:
    return Role.objects.get(organisation__code="IOM", code="programme_manager")


def follow(*codes: str) -> None:
    choose_programmes(
        role=manager_role(), projects=Project.objects.filter(code__in=codes), by=None, now=now()
    )


def in_database(user) -> tuple[set, set]:
    """Return the organisations and the single programmes whose summaries the database shows this user."""
    with acting_as(user), connection.cursor() as cursor:
        cursor.execute(
            "SELECT access.organisations_with('read_summaries'), access.projects_with('read_summaries')"
        )
        return tuple(set(found) for found in cursor.fetchone())


def in_python(user) -> tuple[set, set]:
    authority = authority_of(user)
    return set(authority.where("read_summaries")), set(authority.projects_with("read_summaries"))


def ids_of(*codes: str) -> set:
    return set(Project.objects.filter(code__in=codes).values_list("pk", flat=True))


@pytest.fixture
def case_in_two_programmes(request, demo_users) -> Case:
    """Return a case in RASNM-2 and in the other programme, with a grant paid in each; add a case in the other
    alone.
    """
    by = demo_users[A]
    factories.another_programme()
    grants = []
    with acting_as(by):
        case, elsewhere = factories.a_case(by), factories.a_case(by)
        for found, code in ((case, FOLLOWED), (case, OTHER), (elsewhere, OTHER)):
            grants.append(factories.requested(factories.planned(found, by, code), by))
    for grant in grants:
        factories.approved(grant, demo_users)
        factories.paid(grant, demo_users)
    return case


def _shown(user, *, scoped: bool) -> dict[str, set]:
    """Return by table the rows that this user finds, with Python's scope or by the policies alone."""
    with acting_as(user):
        rows = {model: model.objects for model in SUMMARY_MODELS}
        found = {
            model: rows[model].visible_to(user) if scoped else rows[model].all() for model in SUMMARY_MODELS
        }
        return {model._meta.label: set(found[model].values_list("pk", flat=True)) for model in SUMMARY_MODELS}


def _of_visible_programmes(demo_users) -> dict[str, set]:
    """Return the rows of the visible programmes, chosen by programme from what finance sees."""
    codes, user = ["RASNM", FOLLOWED, "FWW"], demo_users[FINANCE]
    picked = {
        Case: {"enrolments__project__code__in": codes},
        CaseAccess: {"case__enrolments__project__code__in": codes},
        Enrolment: {"project__code__in": codes},
        Grant: {"project__code__in": codes},
        Instalment: {"grant__project__code__in": codes},
        LedgerEntry: {"budget_line__project__code__in": codes},
    }
    with acting_as(user):
        found = {
            model._meta.label: set(model.objects.filter(**chosen).values_list("pk", flat=True))
            for model, chosen in picked.items()
        }
        for model in SUMMARY_MODELS:
            every = set(model.objects.values_list("pk", flat=True))
            assert found[model._meta.label] < every, f"{model}: the data that could leak must be there"
    return found


def test_the_database_alone_shows_a_manager_their_programmes(case_in_two_programmes, demo_users):
    assert _shown(demo_users[MANAGER], scoped=False) == _of_visible_programmes(demo_users)


def test_a_manager_is_shown_summaries_only(case_in_two_programmes, demo_users):
    """By raw SQL as the application: no row of any other table of a case."""
    summary_tables = {model._meta.db_table for model in SUMMARY_MODELS}
    with acting_as(demo_users[MANAGER]), connection.cursor() as cursor:
        for model in policies.own_models():
            policy, table = policies.policy_of(model), model._meta.db_table
            if table in summary_tables or not isinstance(policy, AccessPolicy) or policy.read is None:
                continue
            cursor.execute(
                f"SELECT count(*) FROM {walks.readable(model)} t WHERE t::text LIKE %s",
                [f"%{case_in_two_programmes.pk}%"],
            )
            assert cursor.fetchone() == (0,), table


def test_python_alone_shows_a_manager_their_programmes(request, demo_users, committed, disable_policies):
    request.getfixturevalue("case_in_two_programmes")
    expected = _of_visible_programmes(demo_users)
    disable_policies()
    assert _shown(demo_users[MANAGER], scoped=True) == expected
    with acting_as(demo_users[MANAGER]):
        for model in linked_models():
            if model not in SUMMARY_MODELS:
                assert model.objects.visible_to(demo_users[MANAGER]).count() == 0, model._meta.label


def test_of_a_case_in_two_programmes_a_manager_sees_their_own(case_in_two_programmes, demo_users):
    with acting_as(demo_users[MANAGER]):
        user = demo_users[MANAGER]
        assert (
            Case.objects.visible_to(user).get(pk=case_in_two_programmes.pk).reference
            == case_in_two_programmes.reference
        )
        for model in (Enrolment, Grant):
            seen = model.objects.visible_to(user).filter(case=case_in_two_programmes)
            assert [row.project.code for row in seen] == [FOLLOWED]
        assert [row.grant.project.code for row in Instalment.objects.filter(case=case_in_two_programmes)] == [
            FOLLOWED
        ]
    with acting_as(demo_users[FINANCE]):
        assert (
            Enrolment.objects.visible_to(demo_users[FINANCE]).filter(case=case_in_two_programmes).count() == 2
        )


def test_a_manager_changes_nothing(case_in_two_programmes, demo_users):
    user = demo_users[MANAGER]
    with acting_as(user), connection.cursor() as cursor:
        for model in (Case, Enrolment, Grant, Instalment):
            assert model.objects.editable_by(user).count() == 0, model
            cursor.execute(f"UPDATE {model._meta.db_table} SET id = id")
            assert cursor.rowcount == 0, model
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            cursor.execute("UPDATE beneficiaries_caseaccess SET programmes = '{}'")


def test_aggregates_are_those_of_the_users_programmes(case_in_two_programmes, demo_users):
    user = demo_users[MANAGER]
    with acting_as(user), connection.cursor() as cursor:
        for project in Project.objects.all():
            if project.code in ("RASNM", FOLLOWED, "FWW"):
                assert queries.programme_totals(project, user) is not None
                continue
            assert queries.programme_totals(project, user) is None
            with pytest.raises(DatabaseError, match="figures you see"), transaction.atomic():
                cursor.execute("SELECT * FROM access.programme_totals(%s)", [project.pk])


def test_pages_show_aggregates_of_the_users_programmes(case_in_two_programmes, demo_users, sign_in):
    client = sign_in(MANAGER)
    assert "Cases admitted" in text_of(client.get(f"/projects/{FOLLOWED}/"))
    assert "Cases admitted" not in text_of(client.get("/projects/TRRIN/"))
    assert "Cases admitted" not in text_of(client.get(f"/projects/{OTHER}/"))
    with acting_as(demo_users[FINANCE]):
        grants = {row.project.code: row.pk for row in Grant.objects.filter(case=case_in_two_programmes)}
    statuses = {code: client.get(f"/grants/{key}/").status_code for code, key in grants.items()}
    assert statuses == {FOLLOWED: 200, OTHER: 404}


def test_a_case_of_another_programme_is_hidden_from_the_manager(demo_users):
    past = {"enrolments__project__code": "TRRIN"}
    with acting_as(demo_users[FINANCE]):
        assert Case.objects.visible_to(demo_users[FINANCE]).filter(**past).count() > 0
        keys = list(Case.objects.filter(**past).values_list("pk", flat=True))
    with acting_as(demo_users[MANAGER]):
        assert Case.objects.count() > 0
        assert Case.objects.filter(pk__in=keys).count() == 0


def test_a_removed_programme_is_hidden_on_the_next_request(case_in_two_programmes, demo_users, sign_in):
    client = sign_in(MANAGER)
    assert case_in_two_programmes.reference in text_of(client.get("/grants/"))
    follow("FWW")
    assert case_in_two_programmes.reference not in text_of(client.get("/grants/"))
    follow()
    assert client.get("/grants/").status_code == 403
    assert "Cases admitted" not in text_of(client.get(f"/projects/{FOLLOWED}/"))
    assert in_python(demo_users[MANAGER]) == in_database(demo_users[MANAGER]) == (set(), set())


@pytest.mark.parametrize(("starts", "ends", "lasts"), [(0, 0, True), (1, None, False), (-9, -1, False)])
def test_a_programme_is_visible_while_the_role_lasts(demo_users, starts, ends, lasts):
    today, user = now().date(), demo_users[MANAGER]
    Membership.objects.filter(user=user).update(
        starts_on=today + timedelta(days=starts),
        ends_on=None if ends is None else today + timedelta(days=ends),
    )
    expected = ids_of("RASNM", FOLLOWED, "FWW") if lasts else set()
    assert in_python(user) == in_database(user) == (set(), expected)
    with acting_as(user):
        assert (Case.objects.count() > 0) is lasts


def test_a_deactivated_organisations_programmes_are_visible_to_nobody(demo_users):
    Organisation.objects.filter(code="IOM").update(is_active=False)
    assert in_python(demo_users[MANAGER]) == in_database(demo_users[MANAGER]) == (set(), set())


def test_an_access_row_names_the_programmes_of_its_own_organisation(case_in_two_programmes, demo_users):
    with acting_as(demo_users[A]):
        factories.share_with_iom(case_in_two_programmes, demo_users[A])
        factories.referred(case_in_two_programmes, demo_users[A], factories.organisation("NGO_B"))
    found = {}
    for username in (A, B, FINANCE):
        with acting_as(demo_users[username]):
            rows = CaseAccess.objects.filter(case=case_in_two_programmes).values_list("level", "programmes")
            found |= {level: set(programmes) for level, programmes in rows}
    assert found == {"lead": set(), "referral": set(), "working": ids_of(FOLLOWED, OTHER)}


def test_a_programme_is_hidden_once_another_organisation_manages_it(
    committed, owner, case_in_two_programmes, demo_users
):
    owner.execute(
        "UPDATE projects_project SET managed_by_id = %s WHERE code = %s",
        [str(factories.organisation("NGO_B").pk), FOLLOWED],
    )
    user = demo_users[MANAGER]
    assert in_python(user) == in_database(user) == (set(), ids_of("RASNM", "FWW"))
    project = factories.project(FOLLOWED)
    with acting_as(user), connection.cursor() as cursor:
        assert Case.objects.filter(pk=case_in_two_programmes.pk).count() == 0
        assert queries.programme_totals(project, user) is None
        with pytest.raises(DatabaseError, match="figures you see"), transaction.atomic():
            cursor.execute("SELECT * FROM access.programme_totals(%s)", [project.pk])
    with acting_as(demo_users[FINANCE]):
        assert CaseAccess.objects.get(case=case_in_two_programmes).programmes == [*ids_of(OTHER)]
    with acting_as(demo_users[B]):
        row = CaseAccess.objects.get(case=case_in_two_programmes)
        assert (row.level, row.programmes) == ("summary", [*ids_of(FOLLOWED)])


def test_queries_of_a_user_without_programmes_have_no_programme_condition(demo_users):
    for username in (FINANCE, "iom_supervisor"):
        for model in SUMMARY_MODELS:
            assert "programmes" not in str(model.objects.visible_to(demo_users[username]).only("pk").query), (
                model
            )


# Who may give a programme to a role, and what the database checks


def test_the_database_gives_a_role_summaries_of_its_own_programmes_only(demo_users):
    summaries = DjangoPermission.objects.get(content_type__app_label="projects", codename="read_summaries")
    another = DjangoPermission.objects.get(codename="read_cases")
    ngo_b = Role.objects.get(organisation__code="NGO_B", code="programme_manager")
    project = factories.project("TRRIN")
    for group, permission in (
        (ngo_b.group, summaries),
        (Group.objects.create(name="of no role"), summaries),
        (manager_role().group, another),
    ):
        with pytest.raises(IntegrityError, match="its organisation manages"), transaction.atomic():
            ProjectGroupPermission.objects.bulk_create(
                [ProjectGroupPermission(group=group, permission=permission, content_object=project)]
            )
    existing = ProjectGroupPermission.objects.filter(group=manager_role().group)
    with pytest.raises(IntegrityError, match="its organisation manages"), transaction.atomic():
        existing.update(permission=another)


def test_another_permission_on_a_programme_shows_nothing(demo_users, committed, owner):
    """A row from before the trigger: another permission on the programme doesn't show its summaries."""
    owner.execute("ALTER TABLE projects_projectgrouppermission DISABLE TRIGGER USER")
    owner.execute(
        "UPDATE projects_projectgrouppermission SET permission_id = "
        "(SELECT id FROM auth_permission WHERE codename = 'read_cases')"
    )
    owner.execute("ALTER TABLE projects_projectgrouppermission ENABLE TRIGGER USER")
    assert in_python(demo_users[MANAGER]) == in_database(demo_users[MANAGER]) == (set(), set())


def test_an_administrator_chooses_programmes_and_it_is_recorded(demo_users):
    by = demo_users["administrator"]
    with acting_as(by):
        choose_programmes(role=manager_role(), projects=[factories.project("RASNM")], by=by, now=now())
    assert in_python(demo_users[MANAGER])[1] == ids_of("RASNM")
    with acting_as(demo_users["auditor"]):
        event = AuditEvent.objects.filter(verb="programmes chosen").latest("at")
        assert (event.actor_id, event.detail) == (by.pk, {"programmes": ["RASNM"]})


@pytest.mark.parametrize("username", [A, MANAGER, "iom_supervisor", "ngo_a_focal_point"])
def test_nobody_else_chooses_programmes(demo_users, username):
    with acting_as(demo_users[username]), pytest.raises(PermissionDenied):
        choose_programmes(role=manager_role(), projects=[], by=demo_users[username], now=now())


def test_nobody_chooses_the_programmes_of_a_role_of_their_own(demo_users):
    by = demo_users["administrator"]
    role = Role.objects.get(organisation__code="IOM", code="administrator")
    with acting_as(by), pytest.raises(ValidationError, match="what your own role may do"):
        choose_programmes(role=role, projects=[factories.project()], by=by, now=now())


def test_a_role_gets_no_programme_of_another_organisation(demo_users):
    role = Role.objects.get(organisation__code="NGO_B", code="programme_manager")
    with pytest.raises(ValidationError, match="its organisation manages"):
        choose_programmes(role=role, projects=[factories.project()], by=None, now=now())


def test_the_page_of_roles_names_the_programmes(demo_users, sign_in):
    text = text_of(sign_in(MANAGER).get("/roles/"))
    names = "; ".join(factories.project(code).name_en for code in ("FWW", "RASNM", FOLLOWED))
    assert f"of these programmes only: {names}" in text
    assert text.count("Sees nothing of other programmes.") == 1
    follow()
    assert "of these programmes only" not in text_of(sign_in(MANAGER).get("/roles/"))


def test_referral_access_names_no_programme(request, demo_users, committed, owner):
    case = request.getfixturevalue("case_in_two_programmes")
    with acting_as(demo_users[A]):
        factories.referred(case, demo_users[A], factories.organisation("NGO_B"))
    with pytest.raises(psycopg2.errors.CheckViolation, match="access_referral_has_no_programme"):
        owner.execute(
            "UPDATE beneficiaries_caseaccess SET programmes = ARRAY[gen_random_uuid()] WHERE level = 'referral'"
        )


@pytest.mark.drifts
def test_programmes_that_drifted_are_found(request, demo_users, committed, owner):
    case = request.getfixturevalue("case_in_two_programmes")
    owner.execute("UPDATE beneficiaries_caseaccess SET programmes = '{}' WHERE case_id = %s", [str(case.pk)])
    changed = owner.rowcount
    owner.execute("SELECT drifted FROM access.access_drift()")
    assert owner.fetchone() == (1,)  # IOM's row; the lead manages no programme
    assert changed == 2
    owner.execute("SELECT access.refresh_access(%s)", [str(case.pk)])
    owner.execute("SELECT drifted FROM access.access_drift()")
    assert owner.fetchone() == (0,)
