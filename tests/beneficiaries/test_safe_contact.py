"""How to contact a beneficiary safely is shown above their number everywhere; no text says to phone them."""

import json
import re

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import translation

from beneficiaries.models import Beneficiary, Referral
from beneficiaries.queries.referral import shared_items
from core import outbox
from core.clock import now
from core.context import acting_as
from reintegration.models import FollowUp
from reintegration.operations.reminder import send_due_reminders
from tests import factories
from tests.addresses import fill, patterns
from tests.pages import text_of
from tests.repository.test_translations import own_strings

A, B, SUPERVISOR = "ngo_a_caseworker", "ngo_b_caseworker", "iom_supervisor"
PHONE, DIALLED = "980-4417009", "tel:+9779804417009"
SAFE = "Zzonlyafterfive: the brother must not answer."
READ_FIRST = {
    "en": "Read on the case file how it is safe to reach the person before you call or visit.",
    "ne": "फोन वा भेट गर्नुअघि उहाँलाई कसरी सम्पर्क गर्नु सुरक्षित छ, केस फाइलमा पढ्नुहोस्।",
}
SAYS_TO_PHONE = re.compile(
    r"\b(phone|call|ring|telephone)\b (them|her|him|the person|due|again)|^(phone|call|ring) (at|now|before)"
    r"|फोन गर्नु(होस्|पर्ने)|^फोन",
    re.IGNORECASE,
)
ASK_FIRST = "No safe contact is recorded: ask before you call"


def a_case(demo_users, **changes):
    """Return a case with a number, shared with IOM, with a visit to make, and referred with the number."""
    with acting_as(demo_users[A]):
        case = factories.a_case(
            demo_users[A],
            details=factories.beneficiary_details(**{"phone": PHONE, "safe_contact": SAFE} | changes),
        )
        factories.share_with_iom(case, demo_users[A])
        factories.planned(case, demo_users[A])
        visit = FollowUp.objects.visible_to(demo_users[A]).filter(case=case)[0]
        items = shared_items(case, demo_users[A], ["name", "phone"])
        referral = factories.referred(case, demo_users[A], factories.organisation("NGO_B"), **items)
    return case, visit, referral


def is_above(page: str, first: str, second: str) -> bool:
    """Whether the first text is on the page, before every occurrence of the second."""
    return first in page and second in page and page.index(first) < page.index(second)


@pytest.mark.django_db
def test_the_case_file_shows_the_safe_contact_above_the_number(demo_users, sign_in):
    case, _visit, _referral = a_case(demo_users)
    page = text_of(sign_in(A).get(f"/cases/{case.reference}/"))
    assert is_above(page, SAFE, DIALLED)
    assert is_above(page, SAFE, PHONE)
    assert page.index(SAFE) < page.index("<h1"), "in the bar at the top, not further down"
    assert "Read “safe contact”" not in page


@pytest.mark.django_db
def test_the_visit_page_shows_safe_contact_and_number(demo_users, sign_in):
    _case, visit, _referral = a_case(demo_users)
    page = text_of(sign_in(A).get(f"/follow-ups/{visit.pk}/"))
    assert is_above(page, SAFE, DIALLED)


@pytest.mark.django_db
def test_a_number_without_a_safe_contact_says_to_ask_first(demo_users, sign_in):
    case, visit, referral = a_case(demo_users, safe_contact="")
    client = sign_in(A)
    for address in (f"/cases/{case.reference}/", f"/follow-ups/{visit.pk}/", f"/referrals/{referral.pk}/"):
        assert is_above(text_of(client.get(address)), ASK_FIRST, DIALLED), address


@pytest.mark.django_db
def test_without_a_number_there_is_nothing_to_dial(demo_users, sign_in):
    case, _visit, _referral = a_case(demo_users, phone="")
    page = text_of(sign_in(A).get(f"/cases/{case.reference}/"))
    assert SAFE in page
    assert "tel:" not in page


@pytest.mark.parametrize("language", ["en", "ne"])
@pytest.mark.django_db
def test_a_referral_sends_the_safe_contact_with_the_number(demo_users, sign_in, language):
    """Labels are in the reader's language, whatever the sender's was."""
    with translation.override(language):
        _case, _visit, referral = a_case(demo_users)
    page = text_of(sign_in(B).get(f"/referrals/{referral.pk}/"))
    assert is_above(page, SAFE, DIALLED)
    assert ("Name" in page, "नाम" in page) == (True, False)
    answer = sign_in(B).get(f"/api/v1/referrals/{referral.pk}/").json()
    assert is_above(json.dumps(answer["items"]), SAFE, PHONE)


@pytest.mark.django_db
def test_the_form_and_the_api_send_no_number_alone(demo_users, sign_in):
    case, _visit, referral = a_case(demo_users)
    client = sign_in(A)
    with acting_as(demo_users[A]):
        Referral.objects.filter(pk=referral.pk).update(
            state="finished", answered_by=demo_users[A], answered_at=now()
        )
    answer = client.post(
        reverse("beneficiaries:referral-send", args=[case.reference]),
        {
            "form_key": "00000000-0000-4000-8000-000000000001",
            "receiver": factories.organisation("NGO_B").pk,
            "service": "Legal advice",
            "reason_for_referral": "To file a case.",
            "items": ["phone"],
            "agrees": "yes",
            "given_by": "self",
            "how": "spoken",
        },
        follow=True,
    )
    assert is_above(text_of(answer), SAFE, DIALLED)


@pytest.mark.django_db
def test_no_page_and_no_answer_shows_the_number_alone(demo_users, sign_in):
    """Every address, as every user who sees the number on one."""
    case, visit, referral = a_case(demo_users)
    keys = {
        "reference": [case.reference],
        "code": ["RASNM-2"],
        "follow_up_id": [str(visit.pk)],
        "referral_id": [str(referral.pk)],
        "beneficiary_id": [str(case.beneficiary_id)],
        "case_id": [str(case.pk)],
    }
    shown, wrong = set(), []
    for username in (A, B, SUPERVISOR):
        client = sign_in(username)
        for name, route in patterns():
            if route.startswith("admin/"):
                continue
            for address in fill(route, keys):
                response = client.get(address)
                page = "" if response.streaming else response.content.decode(errors="replace")
                if PHONE in page:
                    shown.add(name)
                    if not is_above(page, SAFE, PHONE):
                        wrong.append(f"{username} {address}")
    assert wrong == []
    assert {"case-detail", "reintegration:follow-up-record", "beneficiaries:referral-detail"} <= shown
    assert {"api:beneficiary-detail", "api:beneficiary-list", "api:referral-detail"} <= shown


@pytest.mark.parametrize("language", ["en", "ne"])
@pytest.mark.parametrize("kind", ["visit", "call", "review"])
def test_a_reminder_says_to_read_the_safe_contact_first_and_never_to_phone(demo_users, owner, kind, language):
    _case, visit, _referral = a_case(demo_users)
    owner.execute(
        "UPDATE reintegration_reminder SET sent_at = now(), recipient_id = %s WHERE follow_up_id <> %s",
        [demo_users[A].pk, visit.pk],
    )
    owner.execute(
        "UPDATE reintegration_reminder SET due_on = current_date WHERE follow_up_id = %s", [visit.pk]
    )
    owner.execute("UPDATE reintegration_followup SET kind = %s WHERE id = %s", [kind, visit.pk])
    owner.execute("UPDATE accounts_user SET language = %s WHERE username = %s", [language, A])
    assert send_due_reminders(now=now())["sent"] == 1
    outbox.deliver()
    [message] = mail.outbox
    with acting_as(demo_users[A]):
        notice = demo_users[A].notices.get(key__startswith="reminder:")
    first = READ_FIRST[language]
    assert first in message.body
    for said in (notice.text, message.subject, message.body.replace(first, "")):
        assert not SAYS_TO_PHONE.search(said), said
    assert SAFE not in message.body, "a mail contains no word of a case"


def test_no_text_says_to_phone():
    """Every text of every page, notice and mail: the caseworker reads the safe contact first."""
    texts = own_strings()
    assert len(texts) > 500
    assert [text for text in texts if SAYS_TO_PHONE.search(text)] == []
    assert SAYS_TO_PHONE.search("Call due on 5 December: case SH-12")


@pytest.mark.django_db
def test_erasing_and_copying_keep_number_and_safe_contact_together(demo_users):
    """Erasing and copying take both: no row has the number without the safe contact."""
    case, _visit, _referral = a_case(demo_users)
    factories.transferred(case, demo_users)
    with acting_as(demo_users[B]):
        person = Beneficiary.objects.visible_to(demo_users[B]).get(pk=case.beneficiary_id)
        assert (person.phone, person.safe_contact) == (PHONE, SAFE)
