"""Referral access, need-to-know and emergency access: what opens, to whom, for how long; and what stays
hidden.
"""

from datetime import date, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, IntegrityError, connection, transaction

from accounts.models import Notice, User
from beneficiaries.models import (
    Beneficiary,
    Case,
    CaseAccess,
    CaseFile,
    CaseNote,
    Consent,
    EmergencyOpening,
    Referral,
    SharedItem,
)
from beneficiaries.operations.consent import record_consent, withdraw_consent
from beneficiaries.operations.emergency import break_glass
from beneficiaries.operations.note import add_note
from beneficiaries.operations.referral import answer_referral
from beneficiaries.same_case import linked_models
from core.clock import now
from core.context import acting_as
from core.policies import policy_of, protected_models
from tests import factories
from tests.pages import submit, text_of
from tests.walks import readable

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("set_up")]
A, B, PROTECTION = "ngo_a_caseworker", "ngo_b_caseworker", "protection_supervisor"
EMERGENCY = "She called and was then cut off; no one answers."
PHONE = "980-4417009"  # longer than what a reference or an id contains by chance


@pytest.fixture
def case(demo_users) -> Case:
    with acting_as(demo_users[A]):
        return factories.a_case(demo_users[A], details=factories.beneficiary_details(phone=PHONE))


@pytest.fixture
def referral(case, demo_users) -> Referral:
    with acting_as(demo_users[A]):
        add_note(case=case, text="Seen at the office.", confidentiality="normal", by=demo_users[A], now=now())
        factories.planned(case, demo_users[A])
        factories.referred(case, demo_users[A], factories.a_third_ngo(), name="Another")
        return factories.referred(
            case, demo_users[A], factories.organisation("NGO_B"), name="Sunita", phone=PHONE
        )


def _rows_of(case: Case) -> dict[str, int]:
    """Return rows of each protected table that mention the case or its beneficiary, by raw SQL as the
    application.
    """
    found = {}
    with connection.cursor() as cursor:
        for model in protected_models():
            if policy_of(model).read is not None:
                cursor.execute(
                    f"SELECT count(*) FROM {readable(model)} t WHERE t::text LIKE %s OR t::text LIKE %s",
                    [f"%{case.pk}%", f"%{case.beneficiary_id}%"],
                )
                if count := cursor.fetchone()[0]:
                    found[model._meta.label] = count
    return found


def test_a_receiver_reads_its_referral_and_the_sent_items_only(case, referral, demo_users):
    receiver = demo_users[B]
    with acting_as(receiver):
        assert [row.pk for row in Referral.objects.visible_to(receiver)] == [referral.pk]
        assert sorted((item.name, item.value) for item in SharedItem.objects.visible_to(receiver)) == [
            ("name", "Sunita"),
            ("phone", PHONE),
        ]
        for model in (Case, CaseFile, CaseNote, Consent):
            assert model.objects.visible_to(receiver).filter(**{_key(model): case.pk}).count() == 0, model
        assert Beneficiary.objects.visible_to(receiver).filter(pk=case.beneficiary_id).count() == 0
        visible = {"beneficiaries.Referral", "beneficiaries.SharedItem"}
        for model in linked_models():  # by the ORM, with Python's scope and without
            for rows in (model.objects.visible_to(receiver), model.objects.all()):
                found = rows.filter(**{_key(model): case.pk}).count()
                assert bool(found) == (model._meta.label in visible), model
        assert _rows_of(case) == {
            "beneficiaries.CaseAccess": 1,
            "beneficiaries.Referral": 1,
            "beneficiaries.SharedItem": 2,
        }


def test_a_receivers_access_row_says_nothing_about_the_case(case, referral, demo_users):
    """Neither its reference, status or district, nor that something changed later."""
    asked = ("level", "reference", "status", "district", "risk", "caseworker", "changed_on")
    with acting_as(demo_users[A]):
        Case.objects.filter(pk=case.pk).update(changed_on=date(2030, 1, 1))
        assert CaseAccess.objects.filter(case=case, level="lead", changed_on=date(2030, 1, 1)).count() == 1
    with acting_as(demo_users[B]):
        (row,) = CaseAccess.objects.filter(case=case).values_list(*asked)
    assert row == ("referral", "", "", None, "", None, now().date())


def _key(model) -> str:
    return "pk" if model is Case else "case_id"


def test_a_receiver_can_neither_change_sent_items_nor_take_the_case(case, referral, demo_users):
    with acting_as(demo_users[B]), connection.cursor() as cursor:
        with pytest.raises(IntegrityError, match="keeps what was sent"), transaction.atomic():
            Referral.objects.filter(pk=referral.pk).update(service="Something else")
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            SharedItem.objects.filter(referral=referral).update(name="x")
        cursor.execute("UPDATE beneficiaries_case SET status = 'follow_up' WHERE id = %s", [str(case.pk)])
        assert cursor.rowcount == 0
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            SharedItem(
                case=case, referral=referral, receiver=factories.organisation("NGO_B"), name="More", value="x"
            ).save(force_insert=True)


@pytest.mark.parametrize("state", ["declined", "finished"])
def test_when_a_referral_ends_its_items_close(case, referral, demo_users, state):
    with acting_as(demo_users[B]):
        answer_referral(referral=referral, state=state, answer="No place.", by=demo_users[B], now=now())
    with acting_as(demo_users[B]):
        assert _rows_of(case) == {}


def test_an_accepted_referral_stays_open_and_can_be_finished_by_the_lead(case, referral, demo_users):
    with acting_as(demo_users[B]):
        answer_referral(
            referral=referral, state="accepted", answer="Come on Sunday.", by=demo_users[B], now=now()
        )
        assert SharedItem.objects.count() == 2
    with acting_as(demo_users[A]):
        answer_referral(referral=referral, state="finished", answer="", by=demo_users[A], now=now())
    with acting_as(demo_users[B]):
        assert SharedItem.objects.count() == 0


def test_when_consent_is_withdrawn_the_items_close(case, referral, demo_users):
    with acting_as(demo_users[A]):
        consent = Consent.objects.visible_to(demo_users[A]).get(
            case=case, organisation__code="NGO_B", withdrawn_on=None
        )
        withdraw_consent(consent=consent, by=demo_users[A], now=now())
    with acting_as(demo_users[B]):
        assert _rows_of(case) == {}


def test_a_referral_without_consent_for_its_receiver_is_refused(case, demo_users):
    from beneficiaries.operations.referral import send_referral

    with acting_as(demo_users[A]), pytest.raises(ValidationError, match="no consent for this organisation"):
        send_referral(
            case=case,
            receiver=factories.organisation("NGO_B"),
            service="Legal",
            reason="x",
            items={"name": "S"},
            by=demo_users[A],
            now=now(),
        )


def test_a_referral_through_the_pages(case, demo_users, sign_in):
    client, receiver = sign_in(A), factories.organisation("NGO_B")
    given = {
        "receiver": str(receiver.pk),
        "service": "Legal advice",
        "reason_for_referral": "To file a case.",
        "items": ["name", "sex"],
        "agrees": "no",
        "given_by": "self",
        "how": "spoken",
    }
    address = f"/cases/{case.reference}/referrals/new/"
    assert "Nothing was sent" in text_of(submit(client, address, given))
    page = submit(client, address, given | {"agrees": "yes"})
    assert "Legal advice" in text_of(page)
    seen = text_of(sign_in(B).get(page.request["PATH_INFO"]))
    assert "Sunita Tamang" in seen
    assert case.reference not in seen
    assert PHONE not in seen


READERS = {
    "normal": {A, "ngo_a_supervisor", "ngo_a_reader", "iom_supervisor", PROTECTION, f"{PROTECTION}_2"},
    "restricted": {A, "ngo_a_supervisor"},
    "counselling": {A},
}


@pytest.mark.parametrize("confidentiality", READERS)
def test_notes_of_each_confidentiality_are_read_by_those_who_need_to_know(
    case, demo_users, sign_in, confidentiality
):
    from reintegration.demo import DEMO_USERS

    with acting_as(demo_users[A]):
        factories.share_with_iom(case, demo_users[A])
        add_note(case=case, text="Kanarinote", confidentiality=confidentiality, by=demo_users[A], now=now())
    found = set()
    for username in DEMO_USERS:
        if "Kanarinote" in text_of(sign_in(username).get(f"/cases/{case.reference}/")):
            found.add(username)
    assert found == READERS[confidentiality]


def test_a_confidentiality_that_a_user_may_not_read_they_may_not_write(case, demo_users):
    with acting_as(demo_users[A]):
        factories.share_with_iom(case, demo_users[A])
    with acting_as(demo_users["iom_supervisor"]):
        with pytest.raises(ValidationError, match="allowed to read"):
            add_note(
                case=case, text="x", confidentiality="counselling", by=demo_users["iom_supervisor"], now=now()
            )
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            CaseNote(
                case=case, confidentiality="restricted", text="x", by=demo_users["iom_supervisor"], at=now()
            ).save(force_insert=True)


def test_a_confidential_narrative_is_hidden_in_the_case_file(demo_users, sign_in):
    with acting_as(demo_users[A]):
        case = factories.a_case(
            demo_users[A],
            situation=factories.a_situation(
                narrative="Kanarinarrative", narrative_confidentiality="counselling"
            ),
        )
        assert CaseFile.objects.get(case=case).narrative == ""
    assert "Kanarinarrative" in text_of(sign_in(A).get(f"/cases/{case.reference}/"))
    page = text_of(sign_in("ngo_a_reader").get(f"/cases/{case.reference}/"))
    assert "Kanarinarrative" not in page
    assert "What happened</dt>" not in page, "the field isn't there, blank or otherwise"


def test_emergency_access_opens_one_file_to_one_user_and_notifies_the_lead(case, demo_users, sign_in):
    with acting_as(demo_users[A]):
        add_note(case=case, text="Kanarinote", confidentiality="counselling", by=demo_users[A], now=now())
    client = sign_in(PROTECTION)
    assert client.get(f"/cases/{case.reference}/").status_code == 404
    page = text_of(submit(client, "/emergency/", {"reference": case.reference, "reason": EMERGENCY}))
    assert "Sunita Tamang" in page
    assert "Kanarinote" not in page, "counselling notes stay shut"
    assert sign_in("iom_supervisor").get(f"/cases/{case.reference}/").status_code == 404, (
        "to that person alone"
    )
    with acting_as(demo_users[A]):
        texts = Notice.objects.visible_to(demo_users[A]).values_list("text", flat=True)
        assert any("in an emergency" in text and case.reference in text for text in texts)
    assert EMERGENCY in text_of(sign_in(A).get(f"/cases/{case.reference}/")), "the case shows it for ever"


def test_emergency_access_ends_after_an_hour(case, demo_users):
    with acting_as(demo_users[PROTECTION]):
        break_glass(typed=case.reference, reason=EMERGENCY, by=demo_users[PROTECTION], now=now())
        opening = EmergencyOpening.objects.get(case=case)
        assert opening.until - opening.opened_at == timedelta(minutes=60)
        row = CaseAccess.objects.get(case=case)
        assert row.expires_at == opening.until
        assert (row.basis, row.user_id) == ("emergency", demo_users[PROTECTION].pk)


def test_while_an_emergency_opening_runs_no_other_one_begins(case, demo_users, sign_in):
    """So the users of the lead get one notice and one mail of it, however often the form is sent."""
    page = sign_in(PROTECTION)
    for _number in range(3):
        answer = submit(page, "/emergency/", {"reference": case.reference, "reason": EMERGENCY})
        assert answer.request["PATH_INFO"] == f"/cases/{case.reference}/"
    with acting_as(demo_users[A]):
        assert EmergencyOpening.objects.visible_to(demo_users[A]).filter(case=case).count() == 1
        notices = Notice.objects.visible_to(demo_users[A]).filter(text__contains="in an emergency")
        assert notices.count() == 1


def test_the_database_takes_no_second_opening_that_runs(case, demo_users):
    user = demo_users[PROTECTION]
    with acting_as(user):
        break_glass(typed=case.reference, reason=EMERGENCY, by=user, now=now())
        with pytest.raises(IntegrityError, match="one_at_a_time"), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT access.break_glass(%s, gen_random_uuid(), %s)", [case.reference, b"x" * 80]
                )


@pytest.mark.parametrize("username", [A, B, "iom_supervisor", "administrator", "auditor"])
def test_nobody_else_gets_emergency_access(case, demo_users, username):
    with acting_as(demo_users[username]):
        with pytest.raises(PermissionDenied):
            break_glass(typed=case.reference, reason=EMERGENCY, by=demo_users[username], now=now())
        with pytest.raises(DatabaseError, match="not a protection supervisor"), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT access.break_glass(%s, gen_random_uuid(), %s)",
                    [case.reference, EMERGENCY.encode() * 3],
                )


def test_emergency_access_needs_a_reason_and_a_case(case, demo_users):
    with acting_as(demo_users[PROTECTION]):
        for typed, reason in ((case.reference, "Urgent"), ("ZZZZ-ZZZ-Z", EMERGENCY), ("", EMERGENCY)):
            with pytest.raises(ValidationError):
                break_glass(typed=typed, reason=reason, by=demo_users[PROTECTION], now=now())
        assert EmergencyOpening.objects.count() == 0


def test_a_partners_protection_supervisor_gets_no_emergency_access(case, demo_users):
    from accounts.models import Membership, Role

    role = Role.objects.get(organisation__code="NGO_B", code="protection_supervisor")
    Membership.objects.create(user=demo_users[B], role=role, starts_on=date(2020, 1, 1))
    user = User.objects.get(username=B)
    with (
        acting_as(user),
        pytest.raises(DatabaseError, match="not a protection supervisor"),
        transaction.atomic(),
    ):
        break_glass(typed=case.reference, reason=EMERGENCY, by=user, now=now())


def test_sharing_again_after_a_referral_opens_the_whole_file(case, referral, demo_users):
    with acting_as(demo_users[A]):
        record_consent(
            case=case,
            purpose="sharing",
            organisation=factories.organisation("NGO_B"),
            is_given=True,
            given_by="self",
            how="spoken",
            by=demo_users[A],
            now=now(),
        )
    with acting_as(demo_users[B]):
        assert list(CaseAccess.objects.filter(case=case).values_list("level", flat=True)) == ["working"]
        assert CaseFile.objects.visible_to(demo_users[B]).filter(case=case).count() == 1


def test_consent_with_an_end_opens_the_file_until_then(case, demo_users):
    last_day = now().date() + timedelta(days=3)
    with acting_as(demo_users[A]):
        factories.share_with_iom(case, demo_users[A], until_on=last_day)
    with acting_as(demo_users["iom_supervisor"]):
        ends = CaseAccess.objects.get(case=case).expires_at.astimezone(now().tzinfo)
    assert (ends.date(), ends.hour, ends.minute) == (last_day + timedelta(days=1), 0, 0)
