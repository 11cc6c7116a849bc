"""Access that ended opens nothing: at the next request, by token or session, and in work that was queued
before.

Where only the owner can change times, in a database in which commits are real.
"""

from datetime import timedelta

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import connection

from accounts.models import ApiToken, User
from accounts.operations.token import create_api_token, revoke_api_tokens
from beneficiaries.models import Beneficiary, CaseFile, Referral, SharedItem
from beneficiaries.operations.consent import withdraw_consent
from beneficiaries.operations.emergency import break_glass
from beneficiaries.operations.referral import answer_referral
from core import outbox
from core.context import acting_as
from reintegration.operations import reminder
from reintegration.tasks import send_due_reminders
from tests import factories
from tests.access.test_levels import EMERGENCY, PROTECTION, A, B, now

SUPERVISOR = "iom_supervisor"


class Reader:
    """A user reading a case: by page, by token, and in queued work that runs as them."""

    def __init__(self, client, user, case) -> None:
        self.client, self.user, self.case = client, user, case
        client.force_login(user)
        _token, self.text = create_api_token(user=user, name="test", by=None, now=now())

    def statuses(self) -> tuple[int, int, int]:
        """Return the status of the page, of the row by token, and how many files a task as this user finds."""
        page = self.client.get(f"/cases/{self.case.reference}/").status_code
        person = f"/api/v1/beneficiaries/{self.case.beneficiary_id}/"
        row = self.client.get(person, headers={"Authorization": f"Token {self.text}"}).status_code
        user = User.objects.get(pk=self.user.pk)
        with acting_as(user):
            scoped = CaseFile.objects.visible_to(user).filter(case=self.case).count()
            assert CaseFile.objects.filter(case=self.case).count() == scoped
        return page, row, scoped


OPEN, GONE = (200, 200, 1), (404, 404, 0)


@pytest.fixture
def case(demo_users):
    with acting_as(demo_users[A]):
        return factories.a_case(demo_users[A])


@pytest.fixture
def reading(client, demo_users, case):
    return lambda username: Reader(client, demo_users[username], case)


def test_expired_emergency_access_opens_nothing(committed, owner, case, demo_users, reading):
    with acting_as(demo_users[PROTECTION]):
        break_glass(typed=case.reference, reason=EMERGENCY, by=demo_users[PROTECTION], now=now())
    reader = reading(PROTECTION)
    assert reader.statuses() == OPEN
    owner.execute("UPDATE beneficiaries_caseaccess SET expires_at = now() WHERE basis = 'emergency'")
    assert reader.statuses() == GONE


@pytest.mark.parametrize(
    "ending",
    [
        "UPDATE accounts_membership m SET ends_on = current_date - 2 FROM accounts_user u "
        "WHERE u.id = m.user_id AND u.username = 'ngo_a_caseworker'",
        "UPDATE accounts_membership m SET starts_on = current_date + 2 FROM accounts_user u "
        "WHERE u.id = m.user_id AND u.username = 'ngo_a_caseworker'",
        "DELETE FROM accounts_organisationgrouppermission g USING auth_permission p, accounts_organisation o "
        "WHERE p.id = g.permission_id AND p.codename = 'read_cases' AND o.id = g.content_object_id "
        "AND o.code = 'NGO_A'",
    ],
    ids=[
        "membership ended",
        "membership not begun",
        "permission taken from the role",
    ],
)
def test_a_users_permissions_end_at_once(case, reading, ending):
    reader = reading(A)
    assert reader.statuses() == OPEN
    with connection.cursor() as cursor:
        cursor.execute(ending)
    assert reader.statuses() == GONE


def test_a_deactivated_organisation_opens_nothing(committed, owner, case, reading):
    """An organisation with an open case can't be deactivated (tests/accounts/test_leaving.py); this goes past
    that rule.
    """
    reader = reading(A)
    assert reader.statuses() == OPEN
    owner.execute("ALTER TABLE accounts_organisation DISABLE TRIGGER USER")
    owner.execute("UPDATE accounts_organisation SET is_active = false WHERE code = 'NGO_A'")
    assert reader.statuses() == GONE


def test_a_deactivated_user_is_signed_out_everywhere(case, reading):
    reader = reading(A)
    assert reader.statuses() == OPEN
    User.objects.filter(pk=reader.user.pk).update(is_active=False)
    assert reader.statuses() == (302, 401, 0)


def test_a_revoked_or_expired_token_opens_nothing(case, reading):
    reader = reading(A)
    revoke_api_tokens(user=reader.user, by=None, now=now())
    assert reader.statuses() == (200, 401, 1)
    second = reading(A)
    assert second.statuses() == OPEN
    ApiToken.objects.update(expires_on=now().date() - timedelta(days=1))
    assert second.statuses() == (200, 401, 1)


@pytest.mark.parametrize("ended_by", ["withdrawal", "its last day"])
def test_ended_consent_closes_the_file(case, demo_users, reading, ended_by):
    with acting_as(demo_users[A]):
        consent = factories.share_with_iom(case, demo_users[A])
    reader = reading(SUPERVISOR)
    assert reader.statuses() == OPEN
    with acting_as(demo_users[A]):
        if ended_by == "withdrawal":
            withdraw_consent(consent=consent, by=demo_users[A], now=now())
        else:
            yesterday = now().date() - timedelta(days=1)
            factories.corrected_consent(consent, demo_users[A], asked_on=yesterday, until_on=yesterday)
    assert reader.statuses() == GONE
    with acting_as(demo_users[SUPERVISOR]):
        assert Beneficiary.objects.filter(pk=case.beneficiary_id).count() == 0


@pytest.mark.parametrize("ended_by", ["its end", "withdrawal"])
def test_an_ended_referral_closes_its_items(case, demo_users, client, ended_by):
    with acting_as(demo_users[A]):
        referral = factories.referred(case, demo_users[A], factories.organisation("NGO_B"))
        consent = case.consents.get(purpose="referral")
    client.force_login(demo_users[B])
    assert client.get(f"/referrals/{referral.pk}/").status_code == 200
    by = demo_users[B] if ended_by == "its end" else demo_users[A]
    with acting_as(by):
        if ended_by == "its end":
            answer_referral(referral=referral, state="finished", answer="", by=by, now=now())
        else:
            withdraw_consent(consent=consent, by=by, now=now())
    assert client.get(f"/referrals/{referral.pk}/").status_code == 404
    with acting_as(demo_users[B]):
        assert Referral.objects.filter(case=case).count() == SharedItem.objects.filter(case=case).count() == 0


def _one_reminder_waits(demo_users, owner, case) -> None:
    owner.execute(
        "UPDATE reintegration_reminder SET sent_at = now(), recipient_id = u.id "
        "FROM (SELECT id FROM accounts_user LIMIT 1) u WHERE sent_at IS NULL"
    )
    with acting_as(demo_users[A]):
        factories.admitted(case, demo_users[A], enrolled_on=now().date() - timedelta(days=10))


def test_queued_work_checks_access_when_it_runs(committed, owner, case, demo_users):
    """The sweep's message names nobody: the recipient is looked up when it runs, and again when mail is sent."""
    _one_reminder_waits(demo_users, owner, case)
    owner.execute("ALTER TABLE accounts_user DISABLE TRIGGER account_is_approved")
    User.objects.filter(username__startswith="ngo_a_").update(is_active=False)
    assert send_due_reminders.apply().result["sent"] == 0
    User.objects.filter(username=A).update(is_active=True)
    assert reminder.send_due_reminders(now=now())["sent"] == 1, "it waited for somebody to notify"
    User.objects.filter(username=A).update(is_active=False)
    assert outbox.deliver() == {"sent": 0, "already": 0, "failed": 1}
    assert mail.outbox == []
    owner.execute(
        "SELECT recipient, last_error FROM core_outboxmessage WHERE body LIKE %s", [f"%{case.reference}%"]
    )
    assert owner.fetchall() == [("ngo_a_caseworker@example.org", "the recipient signs in no more")]


@pytest.mark.drifts
def test_a_drifted_access_row_is_found(committed, owner, case, capsys):
    """The positive control of the check at the end of every test."""
    owner.execute("UPDATE beneficiaries_caseaccess SET risk = 'high' WHERE case_id = %s", [str(case.pk)])
    with pytest.raises(SystemExit):
        call_command("check_access")
    assert capsys.readouterr().out.endswith(" drifted 1\n")
