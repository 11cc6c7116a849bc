"""Where an action leads: never to "Page not found", and its confirmation always shows."""

import uuid
from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client

from accounts.models import Membership, User
from core.clock import now
from core.context import acting_as
from core.models import AuditEvent
from tests import factories
from tests.access.test_actions_alone import _actions
from tests.pages import submit, text_of

pytestmark = pytest.mark.django_db
CONFIRMED = "govuk-notification-banner"


def lose_everything(user: User) -> None:
    """Close everything that the user could see: their roles end right after the action."""
    Membership.objects.filter(user=user).update(ends_on=now().date() - timedelta(days=1))


def followed(client: Client, response):
    """Follow all redirects, as a browser would."""
    steps = 0
    while response.status_code == 302:
        response, steps = client.get(response.headers["Location"]), steps + 1
        assert steps < 8, "round in a circle"
    return response


@pytest.mark.parametrize(
    ("target", "username", "code"), [("a", "ngo_a_caseworker", "NGO_A"), ("b", "ngo_b_caseworker", "NGO_B")]
)
def test_every_action_ends_with_its_confirmation_for_a_user_who_loses_access(
    demo_users, target, username, code
):
    """Send every action on a case that a page offers, as a user who may; then close their access."""
    with acting_as(demo_users[username]):
        factories.a_third_ngo()
    actions = [
        action
        for action in _actions(target, username, code, demo_users)
        if not action.address.startswith("/api/")
    ]
    assert len(actions) > 12
    lost = []
    for action in actions:
        client, user = Client(), demo_users[username if username in action.right else min(action.right)]
        client.force_login(user)
        with transaction.atomic():
            answer = action.send(client)
            assert answer.status_code == 302, (action.name, text_of(answer)[-2000:])
            lose_everything(user)
            page = followed(client, answer)
            if page.status_code != 200 or CONFIRMED not in text_of(page):
                lost.append((action.name, page.status_code, page.request["PATH_INFO"]))
            transaction.set_rollback(True)
    assert lost == []


def test_ending_access_that_began_today_leads_to_the_list(sign_in, demo_users):
    """Their only role ends before it began, so they don't belong to the organisation any more."""
    newcomer = factories.a_colleague("newcomer", role="reader")
    Membership.objects.filter(user=newcomer).update(starts_on=now().date())
    page = submit(sign_in("ngo_a_focal_point"), f"/team/{newcomer.pk}/end/", {})
    assert page.status_code == 200
    assert page.redirect_chain[-1][0] == "/team/"
    assert "This user no longer has any access here." in text_of(page)


def test_a_form_sent_twice_leads_to_the_same_page_after_access_ended(sign_in, demo_users):
    """A second click on "Withdraw": the consent is withdrawn already, by the first click."""
    by = demo_users["ngo_a_caseworker"]
    with acting_as(by):
        case = factories.a_case(by)
        consent = factories.share_with_iom(case, by)
    client, key = sign_in("ngo_a_caseworker"), {"form_key": str(uuid.uuid4())}
    address = f"/cases/{case.reference}/consents/{consent.pk}/withdraw/"
    for _press in range(2):
        page = client.post(address, key, follow=True)
        assert (page.status_code, page.redirect_chain[0][0]) == (200, f"/cases/{case.reference}/")
    stranger = Client()
    stranger.force_login(demo_users["ngo_b_caseworker"])
    assert stranger.post(address, key).status_code == 404


def test_nobody_is_redirected_from_a_page_that_no_action_of_theirs_led_to(sign_in, demo_users):
    """The marker of another address, or of another user, is no way around a refusal and its record."""
    by = demo_users["ngo_a_caseworker"]
    with acting_as(by):
        case, hidden = factories.a_case(by), factories.a_case(by)
    client = sign_in("ngo_a_caseworker")
    answer = client.post(
        f"/cases/{case.reference}/notes/new/",
        {"text": "Seen.", "confidentiality": "normal", "form_key": str(uuid.uuid4())},
    )
    assert answer.headers["Location"] == f"/cases/{case.reference}/"
    mark = client.cookies["landing"].value
    assert case.reference not in mark
    other = Client()
    other.force_login(demo_users["ngo_b_caseworker"])
    other.cookies["landing"] = mark
    for reference in (case.reference, hidden.reference, "ZZZZ-ZZZ-Z"):
        assert other.get(f"/cases/{reference}/").status_code == 404
    with acting_as(demo_users["auditor"]):
        denied = AuditEvent.objects.filter(verb="denied", actor_id=demo_users["ngo_b_caseworker"].pk)
        assert denied.count() == 3
    lose_everything(by)
    assert client.get(f"/cases/{hidden.reference}/").status_code == 404
    assert client.get(f"/cases/{case.reference}/").status_code == 302
