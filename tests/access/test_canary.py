"""A token in each text field of the first NGO's case, and every address opened as the second NGO: no trace."""

import re
import uuid
from collections import Counter
from functools import partial

import pytest
from django.db import connection, models

from accounts.models import User
from beneficiaries.models import (
    Beneficiary,
    Case,
    CaseTransfer,
    Consent,
    Document,
    IdentityDocument,
    IdentityDocumentChange,
    IntakeDraft,
)
from beneficiaries.models.access import case_column
from beneficiaries.operations.document import remove_document
from beneficiaries.operations.draft import start_draft
from beneficiaries.operations.emergency import break_glass
from beneficiaries.operations.intake import BeneficiaryDetails, ConsentGiven, Situation, open_case
from beneficiaries.operations.note import add_note
from beneficiaries.operations.referral import answer_referral
from beneficiaries.operations.risk import assess_risk
from beneficiaries.operations.transfer import decline_case
from beneficiaries.same_case import linked_models
from core import policies
from core.access import AccessPolicy
from core.clock import now
from core.context import acting_as
from core.encrypted_fields import EncryptedTextField
from geography.models import District
from reintegration.models import FollowUp, Grant, Instalment, Plan
from reintegration.operations.admission import admit
from reintegration.operations.follow_up import record_follow_up
from reintegration.operations.grant import pay_instalment
from reintegration.operations.plan import agree_plan
from tests import factories, unscoped, walks
from tests.addresses import fill, patterns
from tests.pages import visit

pytestmark = pytest.mark.django_db
A, B = "ngo_a_caseworker", "ngo_b_caseworker"
TOKEN, NUMBER = "Kanari", "9841552609"
IDS = re.compile(r"[0-9A-Z]{4}-[0-9A-Z]{3}-[0-9A-Z]|[0-9a-f-]{36}|\d+")
TOKENS = (TOKEN, NUMBER)  # a telephone or document number can't be a long word
# Text that no user types: codes from lists, ids, and programme definitions.
NOT_TYPED = {
    "content_type",
    "file",
    "status",
    "risk",
    "level",
    "former",
    "source",
    "primary_group",
    "country_of_stay",
    "purpose",
    "given_by",
    "how",
    "outcome",
    "decision",
    "state",
    "livelihood",
    "kind",
    "origin",
    "label_en",
    "label_ne",
    "wellbeing",
    "import_key",
    "reference",
    "sex",
    "citizenship",
    "birth_precision",
    "groups",
    "answers",
    "facts",
    "result",
    "refusal",
    "confidentiality",
    "field",
}


# Models without a case, by the path to the beneficiary.
OF_BENEFICIARY = {
    Beneficiary: "pk",
    IdentityDocument: "beneficiary",
    IdentityDocumentChange: "document__beneficiary",
}


def _token(field: str) -> str:
    return f"{TOKEN}{field.replace('_', '').title()}"


@pytest.fixture
def canary_case(demo_users) -> Case:
    """Return a case of the first NGO in which every typed text contains a token of its own."""
    return case_with_plan(demo_users, A, "NGO_A")


def case_with_plan(demo_users, username: str, code: str) -> Case:
    """Return a case with rows that this user and everybody else involved have written."""
    by = demo_users[username]
    with acting_as(by):
        case = open_case(
            organisation=factories.organisation(code),
            consent=ConsentGiven(given_by="best_interests", how="spoken", reason=_token("reason")),
            details=BeneficiaryDetails(
                first_name=_token("first_name"),
                middle_name=_token("middle_name"),
                second_name=_token("second_name"),
                name_ne=_token("name_ne"),
                sex="female",
                birth_as_typed=_token("birth_as_typed"),
                home_district_id=District.id_for("302"),
                home_place=_token("home_place"),
                phone=NUMBER,
                safe_contact=_token("safe_contact"),
            ),
            situation=Situation(
                groups=["stranded_migrant"],
                primary_group="stranded_migrant",
                country_of_stay="KW",
                current_district_id=District.id_for("302"),
                narrative=_token("narrative"),
                needs=_token("needs"),
                htcds={"vic_LocationOfRecruitment": _token("htcds")},
            ),
            by=by,
            now=now(),
        )
        factories.screened(case, by)
        admit(
            case=case,
            project=factories.project(),
            decision="admitted",
            enrolled_on=now().date(),
            reason=_token("assessment_reason"),
            by=by,
            now=now(),
        )
        plan = agree_plan(
            enrolment=case.enrolments.get(),
            livelihood="tea_shop",
            goal=_token("goal"),
            steps=_token("steps"),
            agreed_on=now().date(),
            by=by,
            now=now(),
        )
        grant = factories.requested(plan, by)
        follow_up = FollowUp.objects.visible_to(by).filter(case=case).first()
        record_follow_up(
            follow_up=follow_up,
            done_on=now().date(),
            outcome="seen",
            wellbeing="good",
            note=_token("note"),
            counts=True,
            by=by,
            now=now(),
        )
        assess_risk(case=case, level="low", source="review", reason=_token("risk_reason"), by=by, now=now())
        factories.corrected(case, by, reason=_token("correction_reason"))
        consent = case.consents.get(purpose="services")
        factories.corrected_consent(consent, by, how="signature", reason=_token("consent_reason"))
        document = factories.an_identity_document(
            case, by, state="kept", number=f"PA{NUMBER}", kept_by=_token("kept_by")
        )
        factories.corrected_identity(document, by, number=f"PB{NUMBER}", reason=_token("number_reason"))
        add_note(case=case, text=_token("text"), confidentiality="normal", by=by, now=now())
        factories.a_document(case, by, title=_token("title"))
        remove_document(document=factories.a_document(case, by), why=_token("removed_why"), by=by, now=now())
        third_ngo = factories.a_third_ngo()
        offer = factories.offered(case, by, third_ngo.code, reason=_token("transfer_reason"))
        referral = factories.referred(
            case,
            by,
            third_ngo,
            service=_token("service"),
            reason=_token("referral_reason"),
            **{_token("name"): _token("value")},
        )
        start_draft(
            organisation=factories.organisation(code),
            consent=ConsentGiven(given_by="self", how="spoken", reason=_token("draft")),
            by=by,
            now=now(),
        )
        colleague = factories.a_colleague(f"colleague_{code}", code)
        factories.reassigned(case, colleague, by, note=_token("assignment_note"))
    with acting_as(colleague):
        factories.reassigned(case, by, colleague, note=_token("assignment_back"))
    third = User.objects.get(username="third")
    with acting_as(third):
        answer_referral(referral=referral, state="accepted", answer=_token("answer"), by=third, now=now())
        decline_case(transfer=offer, answer=_token("transfer_answer"), by=third, now=now())
    with acting_as(demo_users["protection_supervisor"]):
        break_glass(
            typed=case.reference,
            reason=_token("emergency") + " and nobody answers.",
            by=demo_users["protection_supervisor"],
            now=now(),
        )
    factories.approved(grant, demo_users)
    with acting_as(demo_users["iom_finance"]):
        pay_instalment(
            grant=grant,
            amount_npr=100,
            voucher=_token("voucher"),
            paid_on=now().date(),
            by=demo_users["iom_finance"],
            now=now(),
        )
    return case


def _typed_fields(model) -> list[str]:
    kinds = (models.CharField, models.TextField, models.JSONField, EncryptedTextField)
    return [
        field.name
        for field in model._meta.concrete_fields
        if isinstance(field, kinds) and field.name not in NOT_TYPED and field.name != "find_key"
    ]


def test_the_token_is_in_every_typed_field(canary_case, demo_users):
    """The control of the tests below: a new text field without a token fails here."""
    missing = []
    with acting_as(demo_users[A]):
        for model in [*linked_models(), *OF_BENEFICIARY]:
            key = OF_BENEFICIARY.get(model) or case_column(model)
            value = canary_case.beneficiary_id if model in OF_BENEFICIARY else canary_case.pk
            rows = list(model.objects.filter(**{key: value}))
            for name in _typed_fields(model):
                if not any(token in str(getattr(row, name)) for row in rows for token in TOKENS):
                    missing.append(f"{model._meta.label}.{name}")
    assert missing == []


def known(case: Case, user) -> dict[str, list[str]]:
    with acting_as(user):
        return {
            "reference": [case.reference, "ZZZZ-ZZZ-Z"],
            "code": ["RASNM-2", "RASNM"],
            "draft_id": [str(draft.pk) for draft in IntakeDraft.objects.visible_to(user)[:1]],
            "consent_id": [str(row.pk) for row in Consent.objects.visible_to(user).filter(case=case)],
            "document_id": [str(row.pk) for row in Document.objects.visible_to(user).filter(case=case)],
            "identity_kind": ["passport", "citizenship"],
            "plan_id": [str(row.pk) for row in Plan.objects.visible_to(user).filter(case=case)],
            "transfer_id": [str(row.pk) for row in CaseTransfer.objects.visible_to(user).filter(case=case)],
            "grant_id": [str(row.pk) for row in Grant.objects.visible_to(user).filter(case=case)],
            "follow_up_id": [str(row.pk) for row in FollowUp.objects.visible_to(user).filter(case=case)],
            "object_id": [str(case.pk), str(case.beneficiary_id)],
        }


def _crawl(
    client, case: Case, demo_users, *, until: str = "nothing", of_each: int = 3000
) -> tuple[int, list[str]]:
    """Open every address with the first NGO's ids, and links found, so many that differ in ids alone; GET and
    POST. Return how many, and those with a trace; stop early at a trace of the address `until`.
    """
    waiting = {address for _, route in patterns() for address in fill(route, known(case, demo_users[A]))}
    waiting |= {f"/cases/?find={word}" for word in ("kanari", case.reference)}
    seen, traces, found = set(), [], Counter()
    while waiting and not any(until in trace for trace in traces):
        address = waiting.pop()
        seen.add(address)
        for verb, method in (("get", partial(visit, client)), ("post", client.post)):
            if verb == "post" and "/logout/" in address:
                continue
            response = method(address)
            body = b"".join(response) if response.streaming else response.content
            text = body.decode(errors="replace") + str(dict(response.headers))
            is_file = response.headers.get("Content-Disposition", "").startswith("attachment")
            if (
                is_file
                or any(token in text for token in TOKENS)
                or (case.reference in text and case.reference not in address)
            ):
                traces.append(f"{verb} {address}")
            for link in re.findall(r'href="(/[^"#]*)"', text):
                link, page = link.replace("&amp;", "&"), re.sub(IDS, "", link)
                is_new = link not in seen and link not in waiting and not link.startswith("/static/")
                if is_new and found[page] < of_each and len(seen) < 3000:
                    found[page] += 1
                    waiting.add(link)
    return len(seen), traces


def test_the_crawl_finds_the_tokens_as_the_cases_own_caseworker(canary_case, demo_users, sign_in):
    """The positive control."""
    client = sign_in(A)
    client.raise_request_exception = False
    page = f"/cases/{canary_case.reference}/"
    _count, traces = _crawl(client, canary_case, demo_users, until=page)
    assert any(page in trace for trace in traces)


@pytest.mark.parametrize("of_each", walks.parameters([2, 3000], keep=[2]))
def test_the_second_ngo_finds_no_trace(canary_case, demo_users, sign_in, of_each):
    """In `make test` two of its own cases are opened, in `make soak` all of them."""
    count, traces = _crawl(sign_in(B), canary_case, demo_users, of_each=of_each)
    print(f"addresses {count} traces {len(traces)}")
    assert count > 60
    assert traces == []


@pytest.mark.walk
def test_the_second_ngo_finds_no_trace_by_the_policies_alone(canary_case, demo_users, sign_in, monkeypatch):
    """Views that forget their scope may fail, but show nothing."""
    unscoped.switch_off(monkeypatch)
    client = sign_in(B)
    client.raise_request_exception = False
    count, traces = _crawl(client, canary_case, demo_users)
    assert count > 60
    assert traces == []


def test_hidden_and_missing_rows_answer_the_same_bytes(canary_case, demo_users, sign_in):
    client = sign_in(B)
    hidden = client.get(f"/cases/{canary_case.reference}/")
    missing = client.get("/cases/ZZZZ-ZZZ-Z/")
    assert hidden.status_code == missing.status_code == 404
    assert hidden.content == missing.content
    assert dict(hidden.headers) == dict(missing.headers)
    assert b"csrf" not in hidden.content
    with acting_as(demo_users[A]):
        grant = Grant.objects.visible_to(demo_users[A]).get(case=canary_case)
    assert client.get(f"/grants/{grant.pk}/").content == client.get(f"/grants/{uuid.uuid4()}/").content


def test_raw_sql_as_the_application_finds_nothing(canary_case, demo_users):
    """Search each column of each protected table as text, as the second NGO."""
    with acting_as(demo_users[B]), connection.cursor() as cursor:
        for model in policies.own_models():
            policy = getattr(model, "access_policy", None)
            if isinstance(policy, AccessPolicy) and policy.read is not None:
                cursor.execute(
                    f"SELECT count(*) FROM {model._meta.db_table} t WHERE t::text LIKE %s", [f"%{TOKEN}%"]
                )
                assert cursor.fetchone()[0] == 0, model._meta.label
    assert Instalment.access_policy.read is not None
