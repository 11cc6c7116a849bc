"""A programme that began keeps the organisation that manages it, which sees its figures and decides on its grants."""

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import Organisation
from beneficiaries.models import CaseAccess
from core.context import acting_as
from projects.models import Project
from tests import story
from tests.test_admin import address, errors, send

A = "ngo_a_caseworker"
CHANGES = {
    "another organisation": "UPDATE projects_project SET managed_by_id = %(other)s WHERE id = %(key)s",
    "another key": "UPDATE projects_project SET id = gen_random_uuid() WHERE id = %(key)s",
    "deleted": "DELETE FROM projects_project WHERE id = %(key)s",
}


def began(cast) -> Project:
    """A programme that somebody was admitted to."""
    with acting_as(cast[A]):
        story.admitted(story.a_case(cast[A]), cast[A])
    return story.project()


def test_an_administrator_alone_gives_no_programme_with_people_to_another_organisation(sign_in, cast):
    project, former = began(cast), story.project().managed_by
    third = story.a_third_ngo()
    answer = send(
        sign_in("administrator"), address(Project, "change", project.pk), {"managed_by": str(third.pk)}
    )
    assert "Start a new phase instead" in errors(answer)
    assert story.project().managed_by == former
    with acting_as(cast[A]):
        assert not CaseAccess.objects.filter(organisation=third).exists()


def test_a_programme_without_people_is_managed_by_whom_an_administrator_chooses(sign_in):
    third, new = story.a_third_ngo(), story.another_programme()
    where = address(Project, "change", new.pk)
    send(sign_in("administrator"), where, {"managed_by": str(third.pk)})
    assert story.project(new.code).managed_by == third


def test_the_rest_of_a_programme_with_people_can_change(sign_in, cast):
    where = address(Project, "change", began(cast).pk)
    send(sign_in("administrator"), where, {"name_en": "Another name"})
    assert story.project().name_en == "Another name"


@pytest.mark.parametrize("change", CHANGES)
def test_the_database_itself_keeps_who_manages_a_programme_with_people(cast, change):
    project = began(cast)
    given = {"key": project.pk, "other": Organisation.objects.get(code="NGO_B").pk}
    with (
        acting_as(cast["administrator"]),
        pytest.raises(IntegrityError, match="keeps who manages it"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(CHANGES[change], given)


def test_an_admission_and_another_manager_at_once_wait_for_each_other(committed, owner, cast):
    """The admission locks the programme, so that another manager waits, and then sees it."""
    project = story.project()
    with acting_as(cast[A]), transaction.atomic():
        story.admitted(story.a_case(cast[A]), cast[A])
        owner.execute("SET lock_timeout = '200ms'")
        with pytest.raises(Exception, match="lock timeout"):
            owner.execute(
                "UPDATE projects_project SET managed_by_id = managed_by_id WHERE id = %s", [str(project.pk)]
            )
