"""A programme that began stays with the organisation that manages it, which sees its summaries and decides on
grants.
"""

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import Organisation
from beneficiaries.models import CaseAccess
from core.context import acting_as
from projects.models import Project
from tests import factories
from tests.projects.test_admin import address, errors, send

A = "ngo_a_caseworker"
CHANGES = {
    "another organisation": "UPDATE projects_project SET managed_by_id = %(other)s WHERE id = %(key)s",
    "another key": "UPDATE projects_project SET id = gen_random_uuid() WHERE id = %(key)s",
    "deleted": "DELETE FROM projects_project WHERE id = %(key)s",
}


def began(demo_users) -> Project:
    """Return a programme with an enrolment."""
    with acting_as(demo_users[A]):
        factories.admitted(factories.a_case(demo_users[A]), demo_users[A])
    return factories.project()


def test_an_administrator_alone_moves_no_programme_with_enrolments_to_another_organisation(
    sign_in, demo_users
):
    project, former = began(demo_users), factories.project().managed_by
    third = factories.a_third_ngo()
    answer = send(
        sign_in("administrator"), address(Project, "change", project.pk), {"managed_by": str(third.pk)}
    )
    assert "Start a new phase instead" in errors(answer)
    assert factories.project().managed_by == former
    with acting_as(demo_users[A]):
        assert not CaseAccess.objects.filter(organisation=third).exists()


def test_a_programme_without_enrolments_is_managed_by_whom_an_administrator_chooses(sign_in):
    third, new = factories.a_third_ngo(), factories.another_programme()
    where = address(Project, "change", new.pk)
    send(sign_in("administrator"), where, {"managed_by": str(third.pk)})
    assert factories.project(new.code).managed_by == third


def test_other_fields_of_a_programme_with_enrolments_can_change(sign_in, demo_users):
    where = address(Project, "change", began(demo_users).pk)
    send(sign_in("administrator"), where, {"name_en": "Another name"})
    assert factories.project().name_en == "Another name"


@pytest.mark.parametrize("change", CHANGES)
def test_the_database_refuses_another_manager_for_a_programme_with_enrolments(demo_users, change):
    project = began(demo_users)
    given = {"key": project.pk, "other": Organisation.objects.get(code="NGO_B").pk}
    with (
        acting_as(demo_users["administrator"]),
        pytest.raises(IntegrityError, match="keeps who manages it"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(CHANGES[change], given)


def test_an_admission_and_another_manager_at_once_wait_for_each_other(committed, owner, demo_users):
    """The admission locks the programme, so that the change of manager waits, and then sees it."""
    project = factories.project()
    with acting_as(demo_users[A]), transaction.atomic():
        factories.admitted(factories.a_case(demo_users[A]), demo_users[A])
        owner.execute("SET lock_timeout = '200ms'")
        with pytest.raises(Exception, match="lock timeout"):
            owner.execute(
                "UPDATE projects_project SET managed_by_id = managed_by_id WHERE id = %s", [str(project.pk)]
            )
