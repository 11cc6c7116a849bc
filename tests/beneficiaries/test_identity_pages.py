"""Identity documents on pages and by the API: two users at one document, and twenty at once."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from django.db import connection
from django.db.models import QuerySet

from beneficiaries.models import IdentityDocument
from beneficiaries.operations import identity as operation
from core.clock import now
from core.context import acting_as
from geography.models import District
from tests import factories, pages
from tests.api.program import Program, problem_of
from tests.beneficiaries import test_identity
from tests.beneficiaries.test_identity import recorded

case = test_identity.case
document = test_identity.document

A, SUPERVISOR, READER, B = "ngo_a_caseworker", "ngo_a_supervisor", "ngo_a_reader", "ngo_b_caseworker"
NUMBER, OTHER = "27-01-70-12345", "27-01-70-54321"
TRIES = 20


def _page(case, kind="citizenship") -> str:
    return f"/cases/{case.reference}/identity/{kind}/"


def _form(answer) -> dict[str, list[str]]:
    data = next(form for form in pages.forms_of(answer) if "version" in form["data"])["data"]
    data.pop("csrfmiddlewaretoken", None)
    return data


@pytest.mark.django_db
def test_the_case_file_says_what_is_missing(sign_in, demo_users, case):
    district = District.id_for("302")
    recorded(demo_users, case, number=NUMBER, issued_district_id=district, issued_on=date(2012, 3, 4))
    recorded(demo_users, case, "passport", state="kept", kept_by="Her employer")
    recorded(demo_users, case, "birth_registration", state="never")
    text = pages.text_of(sign_in(A).get(f"/cases/{case.reference}/"))
    for words in (NUMBER, "Somebody else keeps it", "Kept by: Her employer", "Never had one", "Not recorded"):
        assert words in text
    assert _page(case, "national_id") in text
    assert _page(case, "national_id") not in pages.text_of(sign_in(READER).get(f"/cases/{case.reference}/"))
    assert NUMBER in pages.text_of(sign_in(READER).get(f"/cases/{case.reference}/"))


@pytest.mark.django_db
def test_an_expired_passport_is_marked(sign_in, demo_users, case):
    yesterday = now().date() - timedelta(days=1)
    recorded(demo_users, case, "passport", number="PA1234567", expires_on=yesterday)
    assert "Expired on" in pages.text_of(sign_in(A).get(f"/cases/{case.reference}/"))


@pytest.mark.django_db
def test_a_document_is_recorded_and_corrected_on_its_page(sign_in, demo_users, case):
    client = sign_in(A)
    page = pages.submit(client, _page(case), {"state": "has", "number": NUMBER, "issued_district": "काठमाडौं"})
    assert "The identity document is saved." in pages.text_of(page)
    assert NUMBER in pages.text_of(page)
    refused = pages.submit(client, _page(case), {"number": OTHER})
    assert "Say why this is corrected." in pages.text_of(refused)
    assert _form(refused)["number"] == [OTHER]
    page = pages.text_of(pages.submit(client, _page(case), {"number": OTHER, "reason": "Misread."}))
    assert f"{NUMBER} → {OTHER}" in page
    assert "Corrected: Citizenship certificate: Number on the document" in page


@pytest.mark.django_db
def test_only_a_correction_is_called_one(sign_in, demo_users, case):
    client, words = sign_in(A), ("What was recorded before", "Save the correction")
    first = pages.text_of(client.get(_page(case)))
    assert not any(word in first for word in words)
    recorded(demo_users, case, number=NUMBER)
    assert all(word in pages.text_of(client.get(_page(case))) for word in words)


@pytest.mark.django_db
def test_an_unusual_number_is_saved_once_it_is_confirmed(sign_in, demo_users, case):
    client = sign_in(A)
    asked = pages.submit(client, _page(case), {"state": "has", "number": "1234/567"})
    assert "Is it right like this?" in pages.text_of(asked)
    assert 'name="number_meant"' in pages.text_of(asked)
    data = _form(asked)
    assert data["number"] == ["1234/567"]
    other = client.post(_page(case), data | {"number": ["1234/568"], "number_meant": ["1234/567"]})
    assert "Is it right like this?" in pages.text_of(other), "confirmed for another number"
    saved = client.post(_page(case), data | {"number_meant": ["1234/567"]}, follow=True)
    assert "The identity document is saved." in pages.text_of(saved)
    again = pages.submit(client, _page(case), {"state": "lost"})
    assert "The identity document is saved." in pages.text_of(again), "not asked again"
    refused = pages.submit(client, _page(case, "passport"), {"state": "has", "number": "none"})
    assert "has no digit" in pages.text_of(refused)


@pytest.mark.django_db
def test_two_who_record_one_kind_at_once_choose(sign_in, demo_users, case):
    client = sign_in(A)
    typed = _form(client.get(_page(case))) | {"state": ["has"], "number": [OTHER]}
    recorded(demo_users, case, by=SUPERVISOR, state="has", number=NUMBER)
    answer = client.post(_page(case), typed)
    text = pages.text_of(answer)
    for words in ("Choose what is right", NUMBER, OTHER, 'name="take_number"', 'name="reason"'):
        assert words in text
    assert 'name="take_state"' not in text, "both say the same"
    again = _form(answer)
    assert (again["version"], again["number"]) == (["1"], [OTHER])
    refused = client.post(_page(case), again | {"take_number": ["typed"]})
    assert "Say why this is corrected." in pages.text_of(refused)
    done = client.post(_page(case), again | {"take_number": ["typed"], "reason": ["Misread."]}, follow=True)
    assert f"{NUMBER} → {OTHER}" in pages.text_of(done)


@pytest.mark.django_db
def test_the_page_opens_for_who_may_correct(sign_in, demo_users, case, document):
    statuses = {A: 200, SUPERVISOR: 200, READER: 403, B: 404, "iom_finance": 404, "administrator": 404}
    assert {name: sign_in(name).get(_page(case)).status_code for name in statuses} == statuses
    assert sign_in(A).get(_page(case, "library_card")).status_code == 404


# The API


@pytest.fixture
def program(demo_users):
    return lambda username: Program(demo_users[username])


@pytest.mark.django_db
def test_a_program_records_and_corrects(program, demo_users, case):
    asking, path = program(A), "identity-documents/"
    body = {"beneficiary": str(case.beneficiary_id), "kind": "passport", "state": "has", "number": "PA12"}
    doubted = asking.post(path, body)
    assert doubted.status_code == 400
    assert {error["field"] for error in problem_of(doubted)["errors"]} == {"number"}
    answer = asking.post(path, body | {"number_is_meant": True})
    assert answer.status_code == 201, answer.content
    row = answer.json()
    assert (row["number"], row["version"], row["issued_district"]) == ("PA12", 1, None)
    again = asking.post(path, body | {"number": "PA1234567"})
    assert again.status_code == 409
    assert (again.json()["current"]["number"], again.json()["sent"]["number"]) == ("PA12", "PA1234567")
    sent = {"version": 1, "number": "PA1234567", "reason": "Misread.", "issued_district": "302"}
    changed = asking.patch(f"{path}{row['id']}/", sent)
    assert changed.status_code == 200, changed.content
    assert (changed.json()["number"], changed.json()["version"]) == ("PA1234567", 2)
    late = asking.patch(f"{path}{row['id']}/", sent)
    assert late.status_code == 409
    assert (late.json()["current"]["version"], late.json()["sent"]) == (2, sent)
    unsaid = asking.patch(f"{path}{row['id']}/", {"version": 2, "number": "PA7654321"})
    assert {error["field"] for error in problem_of(unsaid)["errors"]} == {"reason"}
    assert asking.patch(f"{path}{row['id']}/", {"number": "PA7654321"}).status_code == 400, "no version"
    assert program(READER).patch(f"{path}{row['id']}/", sent).status_code == 403
    assert program(B).patch(f"{path}{row['id']}/", sent).status_code == 404
    hidden = program(B).post(path, body | {"kind": "citizenship"})
    assert {error["field"] for error in problem_of(hidden)["errors"]} >= {"beneficiary"}
    listed = asking.get(path, {"beneficiary": str(case.beneficiary_id)}).json()["results"]
    assert [found["id"] for found in listed] == [row["id"]]


def _at_once(demo_users, document, monkeypatch) -> list[int]:
    """Correct one version of a document from twenty threads; the status of each answer."""
    checked = operation._check
    monkeypatch.setattr(operation, "_check", lambda row, today: (time.sleep(0.1), checked(row, today)))
    programs = [Program(demo_users[A]) for _ in range(TRIES)]

    def send(number: int) -> int:
        body = {"version": 1, "number": f"27-01-70-100{number:02}", "reason": "Misread."}
        try:
            return programs[number].patch(f"identity-documents/{document.pk}/", body).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(TRIES) as pool:
        return sorted(pool.map(send, range(TRIES)))


@pytest.fixture
def document_of_all(committed, demo_users) -> IdentityDocument:
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A])
        return factories.an_identity_document(case, demo_users[A], "citizenship", number=NUMBER)


def test_of_twenty_at_once_one_wins(committed, owner, demo_users, document_of_all, monkeypatch):
    assert _at_once(demo_users, document_of_all, monkeypatch) == [200] + [409] * (TRIES - 1)
    owner.execute(
        "SELECT count(*) FROM beneficiaries_identitydocumentchange WHERE document_id = %s",
        [str(document_of_all.pk)],
    )
    assert owner.fetchone() == (1,)


def test_without_the_lock_and_the_trigger_several_win(
    committed, owner, demo_users, document_of_all, monkeypatch
):
    """The positive control: the race is there."""
    owner.execute("DROP TRIGGER identity_document_has_next_version ON beneficiaries_identitydocument")
    owner.execute(
        "ALTER TABLE beneficiaries_identitydocumentchange DROP CONSTRAINT beneficiaries_identity_changed_once"
    )
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, *given, **named: self)
    assert _at_once(demo_users, document_of_all, monkeypatch).count(200) > 1
