"""What keeps the list and the case file fast, and that it shows neither fewer nor more rows."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership, Role, User
from accounts.operations.users import save_membership
from beneficiaries.choices import Level
from beneficiaries.models import Assessment, Case, CaseAccess, Consent, Enrolment
from beneficiaries.models.access import case_column
from beneficiaries.operations.emergency import break_glass
from beneficiaries.operations.note import add_note
from beneficiaries.queries.case import case_by_reference
from beneficiaries.queries.case_list import case_list, case_page, count_up_to
from beneficiaries.same_case import linked_models
from core.clock import now
from core.context import acting_as
from core.related import fill_in
from core.statements import Select
from core.tables import RowHeader, table_rows
from projects.models import Project
from reintegration.demo import DEMO_USERS
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("set_up")]

JOINING = 17  # statements, savepoint and audit log included
LINKED = [model for model in linked_models() if case_column(model) == "case_id"]


@pytest.fixture
def whole_case(demo_users):
    """Return a case of the first NGO, shared with IOM, with a grant that was paid."""
    by = demo_users["ngo_a_caseworker"]
    with acting_as(by):
        case = factories.a_case(by)
        factories.share_with_iom(case, by)
        grant = factories.requested(factories.planned(case, by), by)
    factories.approved(grant, demo_users)
    factories.paid(grant, demo_users)
    return case


@pytest.mark.parametrize("username", DEMO_USERS)
def test_rows_of_a_case_found_are_the_rows_of_the_scope(username, whole_case, demo_users):
    """`of` uses the levels found with the case; each table's own scope gives the same rows."""
    user = demo_users[username]
    with acting_as(user):
        found = case_by_reference(user, whole_case.reference)
        for case in [whole_case, *([found] if found else [])]:
            for model in LINKED:
                scoped = model.objects.visible_to(user).filter(case=case)
                assert set(model.objects.of(case, user)) == set(scoped), model._meta.label
        if found:
            assert found.may_write == Case.objects.editable_by(user).filter(pk=found.pk).exists()
            assert found.may_lead == Case.objects.led_by(user).filter(pk=found.pk).exists()


def test_access_found_for_one_user_does_not_count_for_another(whole_case, demo_users):
    """A case that the first NGO's caseworker found opens nothing to the second's, by Python alone."""
    with acting_as(demo_users["ngo_a_caseworker"]):
        found = case_by_reference(demo_users["ngo_a_caseworker"], whole_case.reference)
        for model in LINKED:
            assert model.objects.of(found, demo_users["ngo_b_caseworker"]) == [], model._meta.label


def test_summary_access_finds_no_case_file(whole_case, demo_users):
    with acting_as(demo_users["iom_approver"]):
        assert case_by_reference(demo_users["iom_approver"], whole_case.reference) is None


def _cases(by, family: str, count: int) -> None:
    with acting_as(by):
        for number in range(count):
            factories.a_case(
                by, details=factories.beneficiary_details(first_name=f"Qq{family}", second_name=f"No{number}")
            )


@pytest.mark.parametrize("rows", [1, 3])
def test_the_case_list_has_the_same_query_count(rows, sign_in, demo_users, django_assert_num_queries):
    client = sign_in("ngo_a_caseworker")
    _cases(demo_users["ngo_a_caseworker"], "list", rows)
    address = client.post("/cases/", {"find": "qqlist"})["Location"]
    with django_assert_num_queries(
        9
    ):  # savepoint twice, session, user, context, page, audit log, supervisors, notices
        page = client.get(address)
    assert page.content.decode().count(">Qqlist No") == rows


def test_the_case_file_needs_few_queries(whole_case, sign_in, django_assert_max_num_queries):
    """One for each kind of row, whatever their number."""
    client = sign_in("ngo_a_caseworker")
    with django_assert_max_num_queries(32):
        client.get(f"/cases/{whole_case.reference}/")


def test_the_case_file_needs_no_more_queries_for_more_rows(whole_case, sign_in, demo_users):
    client, address, counts = sign_in("ngo_a_caseworker"), f"/cases/{whole_case.reference}/", []
    client.get(address)
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            client.get(address)
        counts.append(len(queries))
        by = demo_users["ngo_a_caseworker"]
        with acting_as(by):
            for number in range(3):
                factories.a_document(whole_case, by, title=f"Letter {number}")
                add_note(case=whole_case, text="One more.", confidentiality="normal", by=by, now=now())
    assert counts[0] == counts[1]


def test_pages_of_the_list_follow_each_other(demo_users):
    """Cut from the access table, in its order, each case once."""
    user = demo_users["ngo_a_caseworker"]
    with acting_as(user):
        rows = case_list(user)
        whole = [row.reference for row in rows]
        pages = [row["reference"] for start in (0, 4, 8) for row in case_page(rows, start, 4)]
        assert len(whole) > 12
        assert pages == whole[:12]
        assert count_up_to(rows, 1000) == len(whole) == len(set(whole))
        assert count_up_to(rows, 5) == 6


def test_related_rows_are_loaded_by_one_query(whole_case, demo_users, django_assert_num_queries):
    user = demo_users["ngo_a_caseworker"]
    with acting_as(user):
        found = case_by_reference(user, whole_case.reference)
        assessments = Assessment.objects.of(found, user)
        enrolments = Enrolment.objects.of(found, user)
        with django_assert_num_queries(1):
            fill_in(Project, (assessments, "project"), (enrolments, "project"))
            assert {row.project.code for row in [*assessments, *enrolments]} == {"RASNM-2"}


def test_a_statement_is_compiled_once_and_run_with_other_values(demo_users, django_assert_num_queries):
    statement = Select(lambda codes: Project.objects.filter(code__any_of=codes).order_by("code"))
    with acting_as(demo_users["ngo_a_caseworker"]), django_assert_num_queries(3):
        for codes in (["FWW"], ["TRRIN", "FWW"], []):
            assert [project.code for project in statement(codes)] == sorted(codes)


def test_a_statement_refuses_a_value_without_a_placeholder():
    with pytest.raises(ValueError, match="no place"):
        Select(lambda code: Project.objects.all())("FWW")


def test_table_rows_escape_everything():
    written = table_rows(["<L>"], [(RowHeader("/x?a=1&b=2", "<b>", "'\"&"), ["</td><script>"])])
    assert "<b>" not in written
    assert "<script>" not in written
    assert 'data-label="&lt;L&gt;"' in written
    assert 'href="/x?a=1&amp;b=2"' in written
    assert "&#x27;&quot;&amp;" in written


def test_a_case_opened_in_an_emergency_is_listed_once(demo_users):
    """IOM works on the case by consent, and its protection supervisor has emergency access too: two access
    rows, one row shown.
    """
    by, supervisor = demo_users["ngo_a_caseworker"], demo_users["protection_supervisor"]
    with acting_as(by):
        case = factories.a_case(by)
        factories.share_with_iom(case, by)
    with acting_as(supervisor):
        break_glass(
            typed=case.reference,
            reason="She called and was then cut off; no one answers.",
            by=supervisor,
            now=now(),
        )
        assert CaseAccess.objects.opening(supervisor, Level.WORKING).filter(case=case).count() == 2
        listed = [row["reference"] for row in case_page(case_list(supervisor), 0, 500)]
        assert listed.count(case.reference) == 1


def test_sharing_a_case_is_one_statement(demo_users, django_assert_num_queries):
    by, iom = demo_users["ngo_a_caseworker"], factories.organisation("IOM")
    with acting_as(by):
        case = factories.a_case(by)
        agreed = Consent(
            case=case,
            purpose="sharing",
            organisation=iom,
            is_given=True,
            given_by="self",
            how="spoken",
            asked_on=now().date(),
            recorded_by=by,
            recorded_at=now(),
        )
        with django_assert_num_queries(1):
            agreed.save(force_insert=True)
    with acting_as(demo_users["iom_supervisor"]):
        assert CaseAccess.objects.filter(case=case).values_list("level", flat=True).get() == "working"


@pytest.mark.parametrize("code", ["NGO_A", "NGO_C"])
def test_adding_a_user_costs_the_same_whatever_the_organisations_cases(demo_users, code):
    factories.a_third_ngo()  # without a case; NGO_A has those of the demo
    user = User.objects.create(username="joins", email="joins@example.org")
    role = Role.objects.select_related("organisation").get(organisation__code=code, code="reader")
    membership = Membership(user=user, role=role, starts_on=now().date())
    with CaptureQueriesContext(connection) as seen:
        save_membership(membership=membership, by=None, now=now())
    assert len(seen) == JOINING
    assert not any("beneficiaries_" in query["sql"] for query in seen.captured_queries)
