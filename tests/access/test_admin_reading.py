"""Everything that is shown is recorded, whatever the request's method."""

import pytest
from django.urls import reverse

from accounts.models import Membership, Organisation, User
from core.context import acting_as
from core.models import AuditEvent
from projects.models import Project
from tests import factories
from tests.access.test_admin_lookups import changelist
from tests.addresses import fill, patterns
from tests.projects.test_admin import address

pytestmark = pytest.mark.django_db
A = "ngo_a_caseworker"
ODD = ("OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "FOO")


def read_pages(demo_users) -> list[str]:
    with acting_as(demo_users["auditor"]):
        events = AuditEvent.objects.filter(verb__endswith=" read").order_by("at")
        return [event.detail.get("page", "") for event in events]


@pytest.mark.parametrize("username", ["administrator", A, None])
@pytest.mark.parametrize("method", ODD)
def test_no_page_answers_an_unknown_method(method, username, demo_users, client):
    if username:
        client.force_login(demo_users[username])
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A])
    known = {
        "reference": [case.reference],
        "code": ["RASNM-2"],
        "object_id": [str(demo_users[A].pk), str(case.pk)],
        "user_id": [str(demo_users[A].pk)],
        "app_label": ["accounts"],
        "url": ["accounts"],
    }
    answers = {
        where: client.generic(method, where).status_code
        for _name, route in patterns()
        for where in fill(route, known)
    }
    assert len(answers) > 90
    assert {where: status for where, status in answers.items() if status < 300 or status >= 500} == {}
    if username == "administrator":
        answered = {
            where for where, status in answers.items() if where.startswith("/admin/") and status != 405
        }
        assert answered == {"/admin/login/"}, "which leads to the one sign-in"


def test_each_admin_page_is_recorded(sign_in, demo_users):
    client = sign_in("administrator")
    project = factories.project()
    shown = [
        reverse("admin:index"),
        reverse("admin:app_list", args=["accounts"]),
        changelist(User),
        address(User, "add"),
        address(User, "change", demo_users[A].pk),
        address(User, "history", demo_users[A].pk),
        address(Project, "criteria", project.pk),
        address(Project, "phase", project.pk),
    ]
    for where in shown:
        before = len(read_pages(demo_users))
        assert client.get(where).status_code == 200
        assert len(read_pages(demo_users)) == before + 1, where


def test_an_admin_form_shown_again_is_recorded(sign_in, demo_users):
    client = sign_in("administrator")
    for where in (
        address(User, "change", demo_users[A].pk),
        address(Organisation, "change", Organisation.objects.get(code="NGO_A").pk),
        address(User, "add"),
        address(Membership, "add"),
        address(Project, "phase", factories.project().pk),
    ):
        before = len(read_pages(demo_users))
        assert client.post(where, {}).status_code == 200, where
        assert len(read_pages(demo_users)) == before + 1, where


def test_a_case_form_shown_again_is_recorded_as_reading_and_a_saved_one_is_not(sign_in, demo_users):
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A])
    client = sign_in(A)
    where = f"/cases/{case.reference}/notes/new/"
    assert client.post(where, {}).status_code == 200
    assert read_pages(demo_users) == ["beneficiaries:note-add"]
    page = client.get(where)
    sent = {"form_key": page.context["form"]["form_key"].value(), "text": "x", "confidentiality": "normal"}
    assert client.post(where, sent).status_code == 302
    assert read_pages(demo_users) == ["beneficiaries:note-add"] * 2
