"""A plan that was written down wrongly: corrected with a reason, on its version, and with its history."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction

from beneficiaries.models import Case
from beneficiaries.operations.correction import ChangedMeanwhile
from core.clock import now
from core.context import acting_as
from reintegration.models import Plan, PlanChange
from reintegration.operations.plan import correct_plan
from tests import factories, pages
from tests.api.program import Program

pytestmark = pytest.mark.django_db
A, SUPERVISOR, READER, B = "ngo_a_caseworker", "ngo_a_supervisor", "ngo_a_reader", "ngo_b_caseworker"


@pytest.fixture
def plan(demo_users) -> Plan:
    with acting_as(demo_users[A]):
        return factories.planned(factories.a_case(demo_users[A]), demo_users[A])


def corrected(demo_users, plan: Plan, username: str = A, **changes) -> Plan:
    with acting_as(demo_users[username]):
        return factories.corrected_plan(plan, demo_users[username], **changes)


def test_every_column_is_a_field_or_the_systems():
    columns = [column for field in Plan.record_fields.values() for column in field.columns]
    assert sorted([*columns, *Plan.system_columns]) == sorted(
        field.attname for field in Plan._meta.concrete_fields
    )


def test_a_correction_keeps_what_was_before(demo_users, plan):
    row = corrected(demo_users, plan, goal="A tea stall.", livelihood="grocery")
    assert (row.goal, row.livelihood, row.steps, row.version) == ("A tea stall.", "grocery", "", 2)
    with acting_as(demo_users[READER]):
        changes = PlanChange.objects.visible_to(demo_users[READER]).filter(plan=plan).order_by("field")
        assert [(change.field, change.former, change.reason) for change in changes] == [
            ("goal", {"goal": "A tea shop."}, "Misunderstood."),
            ("livelihood", {"livelihood": "tea_shop"}, "Misunderstood."),
        ]


def test_a_plan_is_corrected_with_a_reason(demo_users, plan):
    with pytest.raises(ValidationError, match="Say why"):
        corrected(demo_users, plan, steps="A stall first.", reason=" ")


@pytest.mark.parametrize("username", [READER, B, "iom_finance", "administrator"])
def test_nobody_else_corrects(demo_users, plan, username):
    with acting_as(demo_users[username]), pytest.raises(PermissionDenied):
        correct_plan(
            plan=plan,
            livelihood="grocery",
            goal="A shop.",
            steps="",
            version=1,
            reason="Misheard.",
            by=demo_users[username],
            now=now(),
        )


def test_a_livelihood_with_a_grant_stays(demo_users, plan):
    with acting_as(demo_users[A]):
        factories.requested(plan, demo_users[A])
    with pytest.raises(ValidationError, match="A grant was requested for this livelihood"):
        corrected(demo_users, plan, livelihood="grocery")
    assert corrected(demo_users, plan, goal="A tea stall.").version == 2


@pytest.mark.parametrize(
    "column", [column for name in Plan.record_fields.values() for column in name.columns]
)
def test_no_column_changes_without_the_next_version(demo_users, plan, column):
    with acting_as(demo_users[A]), connection.cursor() as cursor:
        with pytest.raises(IntegrityError, match="next version"), transaction.atomic():
            cursor.execute(f"UPDATE reintegration_plan SET {column} = 'x' WHERE id = %s", [str(plan.pk)])


def test_a_plan_is_corrected_on_its_page(sign_in, demo_users, plan):
    with acting_as(demo_users[A]):
        reference = Case.objects.get(pk=plan.case_id).reference
    client, address = sign_in(A), f"/cases/{reference}/plans/{plan.pk}/"
    assert address in client.get(f"/cases/{reference}/").content.decode()
    refused = pages.text_of(pages.submit(client, address, {"steps": "A stall first."}))
    assert "Say why this is corrected." in refused
    assert "A stall first." in refused
    done = pages.text_of(pages.submit(client, address, {"steps": "A stall first.", "reason": "Left out."}))
    assert "The correction is saved." in done
    assert "Steps agreed" in done
    assert "– → A stall first." in done
    assert address not in sign_in(READER).get(f"/cases/{reference}/").content.decode()


def test_the_second_of_two_is_refused_and_chooses(sign_in, demo_users, plan):
    with acting_as(demo_users[A]):
        reference = Case.objects.get(pk=plan.case_id).reference
    client, address = sign_in(A), f"/cases/{reference}/plans/{plan.pk}/"
    form = next(form for form in pages.forms_of(client.get(address)) if "version" in form["data"])["data"]
    corrected(demo_users, plan, SUPERVISOR, goal="A tea stall.")
    page = pages.text_of(client.post(address, form | {"goal": ["A tea room."], "reason": ["Misheard."]}))
    for words in ("Choose what is right", "A tea stall.", "A tea room.", 'name="take_goal"'):
        assert words in page
    with acting_as(demo_users[A]), pytest.raises(ChangedMeanwhile):
        factories.corrected_plan(plan, demo_users[A], goal="A tea room.", version=1)


def test_the_api_corrects_a_plan(demo_users, plan):
    asking, address = Program(demo_users[A]), f"plans/{plan.pk}/"
    sent = {"version": 1, "steps": "A stall first.", "reason": "Left out."}
    assert Program(demo_users[READER]).patch(address, sent).status_code == 403
    assert Program(demo_users[B]).patch(address, sent).status_code == 404
    answer = asking.patch(address, sent)
    assert answer.status_code == 200, answer.content
    assert (answer.json()["steps"], answer.json()["version"]) == ("A stall first.", 2)
    overtaken = asking.patch(address, sent | {"goal": "A tea stall."})
    assert overtaken.status_code == 409
