"""Correcting a consent: with a reason and a history, and never with more access than the person agreed to."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction

from beneficiaries.history import corrections_of
from beneficiaries.models import Case, Consent, ConsentChange
from beneficiaries.operations.consent import ConsentAnswer, correct_consent, record_consent, withdraw_consent
from beneficiaries.operations.correction import ChangedMeanwhile
from beneficiaries.queries.case import file_of
from beneficiaries.queries.consent import consents_of
from core.clock import now
from core.context import acting_as
from core.models import AuditEvent
from tests import factories, pages
from tests.api.program import Program, problem_of

pytestmark = pytest.mark.django_db
A, SUPERVISOR, READER, B = "ngo_a_caseworker", "ngo_a_supervisor", "ngo_a_reader", "ngo_b_caseworker"
IOM = "iom_supervisor"


def days_from_now(days: int) -> date:
    return now().date() + timedelta(days=days)


@pytest.fixture
def case(demo_users) -> Case:
    with acting_as(demo_users[A]):
        return factories.a_case(demo_users[A])


@pytest.fixture
def sharing(demo_users, case) -> Consent:
    """A consent to share with IOM for thirty days."""
    with acting_as(demo_users[A]):
        return factories.share_with_iom(case, demo_users[A], until_on=days_from_now(30))


def corrected(demo_users, consent, *, by=A, version=None, reason="Written down wrongly.", keep=(), **changes):
    with acting_as(demo_users[by]):
        row = Consent.objects.get(pk=consent.pk)
        return correct_consent(
            consent=row,
            answer=replace(ConsentAnswer.of(row), **changes),
            version=row.version if version is None else version,
            reason=reason,
            keep=keep,
            by=demo_users[by],
            now=now(),
        )


def iom_reads(demo_users, case) -> bool:
    with acting_as(demo_users[IOM]):
        return Case.objects.visible_to(demo_users[IOM]).filter(pk=case.pk).exists()


# Recorded wrongly


def test_a_corrected_consent_keeps_what_was_before_with_the_reason(demo_users, case, sharing):
    row = corrected(demo_users, sharing, how="thumbprint", asked_on=days_from_now(-3))
    assert (row.how, row.asked_on, row.version) == ("thumbprint", days_from_now(-3), 2)
    with acting_as(demo_users[READER]):
        changes = ConsentChange.objects.visible_to(demo_users[READER]).filter(consent=row).order_by("field")
        assert [(change.field, change.former, change.reason) for change in changes] == [
            ("asked_on", {"asked_on": str(days_from_now(0))}, "Written down wrongly."),
            ("how", {"how": "spoken"}, "Written down wrongly."),
        ]
        file, consents = file_of(case, demo_users[READER]), consents_of(case, demo_users[READER])
        found = corrections_of(case, file, demo_users[READER], consents=consents)
        assert {(line.before, line.after) for line in found} >= {("Spoken", "Thumbprint")}
    with acting_as(demo_users["auditor"]):
        event = AuditEvent.objects.get(verb="consent corrected", object_id=row.pk)
        assert event.detail == {"fields": ["how", "asked_on"]}
    assert iom_reads(demo_users, case)


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_consent_is_corrected_with_a_reason(demo_users, sharing, reason):
    with pytest.raises(ValidationError, match="Say why"):
        corrected(demo_users, sharing, reason=reason, how="thumbprint")


def test_who_decided_is_corrected_with_why_nobody_was_asked(demo_users, sharing):
    answer = replace(ConsentAnswer.of(sharing), given_by="best_interests")
    for why, is_saved in (("", False), ("Her uncle may be a danger to her.", True)):
        with acting_as(demo_users[A]):
            given = {"version": 1, "reason": "x", "by": demo_users[A], "now": now()}
            if is_saved:
                row = correct_consent(consent=sharing, answer=replace(answer, reason=why), **given)
                assert (row.given_by, row.reason) == ("best_interests", why)
                continue
            with pytest.raises(ValidationError) as error:
                correct_consent(consent=sharing, answer=replace(answer, reason=why), **given)
            assert set(error.value.message_dict) == {"given_by"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"asked_on": days_from_now(1)}, "asked_on"),
        ({"asked_on": date(1990, 1, 1)}, "asked_on"),  # before she was born
        ({"until_on": date(1899, 1, 1)}, "until_on"),
        ({"given_by": "guardian"}, "given_by"),  # she is an adult
        ({"how": "telepathy"}, "how"),
    ],
)
def test_what_can_not_be_true_is_refused(demo_users, sharing, changes, field):
    with pytest.raises(ValidationError) as error:
        corrected(demo_users, sharing, **changes)
    assert set(error.value.message_dict) == {field}


def test_a_childs_consent_is_not_corrected_to_be_the_childs_own(demo_users):
    with acting_as(demo_users[A]):
        born = now().date() - timedelta(days=15 * 365)
        details = factories.beneficiary_details(birth_on=born, birth_as_typed=f"{born} AD")
        case = factories.a_case(demo_users[A], details=details, given_by="guardian")
        consent = case.consents.get(purpose="services")
    with pytest.raises(ValidationError, match="can't consent alone"):
        corrected(demo_users, consent, given_by="self")
    assert corrected(demo_users, consent, how="thumbprint").version == 2


def test_a_consent_that_ended_is_corrected_and_stays_ended(sign_in, demo_users, case, sharing):
    with acting_as(demo_users[A]):
        withdraw_consent(consent=sharing, by=demo_users[A], now=now())
    row = corrected(demo_users, sharing, how="thumbprint")
    assert (row.withdrawn_on, row.how) == (days_from_now(0), "thumbprint")
    address, file = f"/cases/{case.reference}/consents/{sharing.pk}/", f"/cases/{case.reference}/"
    assert address in pages.text_of(sign_in(A).get(file))
    assert address not in pages.text_of(sign_in(READER).get(file))
    assert not iom_reads(demo_users, case)


# Never more access


@pytest.mark.parametrize("until_on", [days_from_now(31), None])
def test_a_consent_to_share_never_lasts_longer(demo_users, case, sharing, until_on):
    with pytest.raises(ValidationError, match="ask the person anew"):
        corrected(demo_users, sharing, until_on=until_on)
    with acting_as(demo_users[A]), connection.cursor() as cursor:
        with pytest.raises(IntegrityError, match="consent_stays"), transaction.atomic():
            cursor.execute(
                "UPDATE beneficiaries_consent SET until_on = %s, version = version + 1 WHERE id = %s",
                [until_on, sharing.pk],
            )


def test_a_shorter_consent_ends_the_access_with_it(demo_users, case, sharing):
    corrected(demo_users, sharing, asked_on=days_from_now(-9), until_on=days_from_now(-1))
    assert not iom_reads(demo_users, case)
    with pytest.raises(ValidationError, match="ask the person anew"):
        corrected(demo_users, sharing, until_on=days_from_now(30))
    with acting_as(demo_users[A]):
        factories.share_with_iom(case, demo_users[A])
    assert iom_reads(demo_users, case)


def test_a_referral_consent_never_lasts_longer(demo_users, case):
    with acting_as(demo_users[A]):
        given = {"is_given": True, "given_by": "self", "how": "spoken", "by": demo_users[A], "now": now()}
        consent = record_consent(
            case=case,
            purpose="referral",
            organisation=factories.organisation("NGO_B"),
            until_on=days_from_now(5),
            **given,
        )
    with pytest.raises(ValidationError, match="ask the person anew"):
        corrected(demo_users, consent, until_on=days_from_now(6))


def test_a_refusal_may_be_valid_for_longer(demo_users, case):
    with acting_as(demo_users[A]):
        refused = factories.share_with_iom(case, demo_users[A], agrees=False, until_on=days_from_now(5))
    assert corrected(demo_users, refused, until_on=days_from_now(9)).until_on == days_from_now(9)
    assert not iom_reads(demo_users, case)


@pytest.mark.parametrize(
    "assignment",
    [
        "is_given = NOT is_given",
        "organisation_id = (SELECT id FROM accounts_organisation WHERE code = 'NGO_B')",
        "purpose = 'referral'",
        "withdrawn_on = NULL",
        "recorded_at = now()",
    ],
)
def test_the_database_keeps_the_answer_as_it_was_given(demo_users, case, sharing, assignment):
    with acting_as(demo_users[A]):
        withdraw_consent(consent=sharing, by=demo_users[A], now=now())
        with connection.cursor() as cursor:
            with pytest.raises(IntegrityError, match="consent_stays"), transaction.atomic():
                cursor.execute(
                    f"UPDATE beneficiaries_consent SET {assignment}, version = version + 1 WHERE id = %s",
                    [sharing.pk],
                )


def test_no_column_changes_without_the_next_version(demo_users, sharing):
    changed = {
        "given_by": "'guardian'",
        "reason": "'\\x00'::bytea",
        "how": "'thumbprint'",
        "asked_on": "asked_on - 1",
        "until_on": "until_on - 1",
    }
    columns = [column for field in Consent.record_fields.values() for column in field.columns]
    assert sorted(changed) == sorted(columns)
    assert sorted([*columns, *Consent.system_columns]) == sorted(
        field.attname for field in Consent._meta.concrete_fields
    )
    with acting_as(demo_users[A]), connection.cursor() as cursor:
        for column, value in changed.items():
            with pytest.raises(IntegrityError, match="next version"), transaction.atomic():
                cursor.execute(
                    f"UPDATE beneficiaries_consent SET {column} = {value} WHERE id = %s", [sharing.pk]
                )


@pytest.mark.parametrize("username", [READER, B, IOM, "ngo_a_focal_point", "administrator"])
def test_nobody_but_the_lead_corrects(demo_users, sharing, username):
    answer = replace(ConsentAnswer.of(sharing), how="thumbprint")
    with acting_as(demo_users[username]), pytest.raises(PermissionDenied):
        correct_consent(
            consent=sharing, answer=answer, version=1, reason="x", by=demo_users[username], now=now()
        )


# Two users at one consent


def test_the_second_of_two_is_refused_and_chooses(demo_users, sharing):
    corrected(demo_users, sharing, by=SUPERVISOR, version=1, how="thumbprint")
    with pytest.raises(ChangedMeanwhile):
        corrected(demo_users, sharing, version=1, how="signature")
    row = corrected(demo_users, sharing, version=2, how="signature", asked_on=days_from_now(-1), keep={"how"})
    assert (row.how, row.asked_on, row.version) == ("thumbprint", days_from_now(-1), 3)


def _form(answer) -> dict[str, list[str]]:
    data = next(form for form in pages.forms_of(answer) if "version" in form["data"])["data"]
    data.pop("csrfmiddlewaretoken", None)
    return data


def test_a_consent_is_corrected_on_its_page(sign_in, demo_users, case, sharing):
    client, address = sign_in(A), f"/cases/{case.reference}/consents/{sharing.pk}/"
    assert address in pages.text_of(client.get(f"/cases/{case.reference}/"))
    typed = _form(client.get(address))
    corrected(demo_users, sharing, by=SUPERVISOR, how="thumbprint")
    asked = client.post(address, typed | {"how": ["signature"], "reason": ["She signed."]})
    assert "Choose what is right" in pages.text_of(asked)
    data = _form(asked) | {"take_how": ["typed"]}
    done = pages.text_of(client.post(address, data, follow=True))
    assert "The correction is saved." in done
    assert "Thumbprint → Signature" in done
    refused = pages.submit(client, address, {"until_on": str(days_from_now(99)), "reason": "Longer."})
    assert "ask the person anew" in pages.text_of(refused)
    assert _form(refused)["until_on"] == [str(days_from_now(99))]
    assert "never lets an organisation read more" in pages.text_of(refused)


def test_a_program_corrects_on_the_version_that_it_read(demo_users, case, sharing):
    asking, path = Program(demo_users[A]), f"consents/{sharing.pk}/"
    sent = {"version": 1, "how": "thumbprint", "reason": "Written down wrongly."}
    answer = asking.patch(path, sent)
    assert answer.status_code == 200, answer.content
    assert (answer.json()["how"], answer.json()["version"]) == ("thumbprint", 2)
    late = asking.patch(path, sent)
    assert late.status_code == 409
    assert (late.json()["current"]["version"], late.json()["sent"]) == (2, sent)
    longer = asking.patch(path, {"version": 2, "until_on": None, "reason": "x"})
    assert {error["field"] for error in problem_of(longer)["errors"]} == {"until_on"}
    unknown = asking.patch(path, {"version": 2, "is_given": False, "reason": "x"})
    assert {error["field"] for error in problem_of(unknown)["errors"]} == {"is_given"}
    assert Program(demo_users[READER]).patch(path, sent).status_code == 403
    assert Program(demo_users[B]).patch(path, sent).status_code == 404
