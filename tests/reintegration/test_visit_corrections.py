"""A follow-up that was recorded wrongly: corrected with a reason and its history; its result stays."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction

from beneficiaries.models import Case, CaseFile
from core.clock import now
from core.context import acting_as
from reintegration.models import FollowUp, FollowUpChange
from reintegration.operations.follow_up import correct_follow_up
from tests import factories, pages
from tests.api.program import Program

pytestmark = pytest.mark.django_db
A, READER, B = "ngo_a_caseworker", "ngo_a_reader", "ngo_b_caseworker"


@pytest.fixture
def case(demo_users) -> Case:
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A])
        factories.planned(case, demo_users[A])
        return case


@pytest.fixture
def visit(demo_users, case) -> FollowUp:
    with acting_as(demo_users[A]):
        return factories.visited(case, demo_users[A])


def corrected(demo_users, visit: FollowUp, **changes) -> FollowUp:
    with acting_as(demo_users[A]):
        return factories.corrected_visit(visit, demo_users[A], **changes)


def test_every_column_is_a_field_or_the_systems():
    columns = [column for field in FollowUp.record_fields.values() for column in field.columns]
    assert sorted([*columns, *FollowUp.system_columns]) == sorted(
        field.attname for field in FollowUp._meta.concrete_fields
    )


def test_a_correction_keeps_what_was_before(demo_users, visit):
    row = corrected(demo_users, visit, wellbeing="fair", note="She sells fruit.")
    assert (row.wellbeing, row.note, row.outcome) == ("fair", "She sells fruit.", "seen")
    assert row.version == visit.version + 1
    with acting_as(demo_users[READER]):
        changes = FollowUpChange.objects.visible_to(demo_users[READER]).filter(follow_up=visit)
        assert [(change.field, change.former, change.reason) for change in changes.order_by("field")] == [
            ("note", {"note": "She sells tea."}, "Misheard."),
            ("wellbeing", {"wellbeing": "good"}, "Misheard."),
        ]


def test_a_follow_up_is_corrected_with_a_reason(demo_users, visit):
    with pytest.raises(ValidationError, match="Say why"):
        corrected(demo_users, visit, note="She sells fruit.", reason=" ")


@pytest.mark.parametrize("days", [1, -4000])
def test_the_day_stays_possible(demo_users, visit, days):
    with pytest.raises(ValidationError) as error:
        corrected(demo_users, visit, done_on=visit.done_on + timedelta(days=days))
    assert list(error.value.message_dict) == ["done_on"]


def test_who_was_seen_is_somehow(demo_users, visit):
    with pytest.raises(ValidationError, match="Say how the person is"):
        corrected(demo_users, visit, wellbeing="")


def test_danger_raises_the_risk(demo_users, case, visit):
    corrected(demo_users, visit, wellbeing="danger")
    with acting_as(demo_users[A]):
        assert CaseFile.objects.get(case=case).risk == "high"
    corrected(demo_users, visit, wellbeing="good")
    with acting_as(demo_users[A]):
        assert CaseFile.objects.get(case=case).risk == "high", "lowered only by an assessment"


@pytest.mark.parametrize("username", [READER, B, "iom_finance", "administrator"])
def test_nobody_else_corrects(demo_users, visit, username):
    with acting_as(demo_users[username]), pytest.raises(PermissionDenied):
        _correct(demo_users[username], visit)


def test_a_follow_up_that_is_due_is_recorded_and_not_corrected(demo_users, case):
    with acting_as(demo_users[A]):
        due = FollowUp.objects.visible_to(demo_users[A]).open().filter(case=case).first()
        with pytest.raises(PermissionDenied):
            _correct(demo_users[A], due)


def _correct(by, row: FollowUp) -> None:
    values = {"done_on": now().date(), "wellbeing": "fair", "note": "", "reason": "Misheard."}
    correct_follow_up(follow_up=row, version=row.version, **values, by=by, now=now())


@pytest.mark.parametrize(
    "change", ["note = 'x'", "wellbeing = 'x'", "done_on = done_on - 1", "outcome = 'x'"]
)
def test_no_column_changes_without_the_next_version(demo_users, visit, change):
    with acting_as(demo_users[A]), connection.cursor() as cursor:
        with pytest.raises(IntegrityError, match="next version"), transaction.atomic():
            cursor.execute(f"UPDATE reintegration_followup SET {change} WHERE id = %s", [str(visit.pk)])


def test_a_follow_up_is_corrected_on_its_page(sign_in, demo_users, case, visit):
    client, address = sign_in(A), f"/cases/{case.reference}/follow-ups/{visit.pk}/"
    assert address in client.get(f"/cases/{case.reference}/").content.decode()
    assert address in client.get(f"/follow-ups/{visit.pk}/").content.decode()
    refused = pages.text_of(pages.submit(client, address, {"note": "She sells fruit."}))
    assert "The result stays" in refused
    assert "Say why this is corrected." in refused
    assert "She sells fruit." in refused
    done = pages.text_of(pages.submit(client, address, {"note": "She sells fruit.", "reason": "Misheard."}))
    assert "The correction is saved." in done
    assert "She sells tea. → She sells fruit." in done
    assert address not in sign_in(READER).get(f"/cases/{case.reference}/").content.decode()


def test_the_second_of_two_is_refused_and_chooses(sign_in, demo_users, case, visit):
    client, address = sign_in(A), f"/cases/{case.reference}/follow-ups/{visit.pk}/"
    form = next(form for form in pages.forms_of(client.get(address)) if "version" in form["data"])["data"]
    corrected(demo_users, visit, wellbeing="fair")
    page = pages.text_of(client.post(address, form | {"wellbeing": ["poor"], "reason": ["Misheard."]}))
    for words in ("Choose what is right", "Getting by", "In difficulty", 'name="take_wellbeing"'):
        assert words in page


def test_the_api_corrects_a_follow_up(demo_users, case, visit):
    asking, address = Program(demo_users[A]), f"follow-ups/{visit.pk}/"
    sent = {"version": visit.version, "note": "She sells fruit.", "reason": "Misheard."}
    assert Program(demo_users[READER]).patch(address, sent).status_code == 403
    assert Program(demo_users[B]).patch(address, sent).status_code == 404
    answer = asking.patch(address, sent)
    assert answer.status_code == 200, answer.content
    assert (answer.json()["note"], answer.json()["wellbeing"]) == ("She sells fruit.", "good")
    assert asking.patch(address, sent | {"note": "Tea."}).status_code == 409
    assert asking.patch(address, sent | {"outcome": "declined"}).status_code == 400
    with acting_as(demo_users[A]):
        due = FollowUp.objects.visible_to(demo_users[A]).open().filter(case=case).first()
    assert asking.patch(f"follow-ups/{due.pk}/", sent | {"version": due.version}).status_code == 409
