"""Documents and photos of a case: uploaded, scanned, stored encrypted, shown to those who may read them."""

import io
import os
import time
import uuid
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg2
import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, IntegrityError, transaction
from PIL import Image

from accounts.models import Notice
from beneficiaries import rules
from beneficiaries.models import Document
from beneficiaries.operations import document
from beneficiaries.operations.case import close_case
from beneficiaries.operations.document import remove_document, scan_waiting, sweep_files
from beneficiaries.operations.erasure import erase_beneficiary
from beneficiaries.queries.document import content_of
from core import data_keys, files, uploads
from core.clock import now
from core.context import acting_as
from core.models import AuditEvent
from tests import databases, factories, scanners, uploaded_files
from tests.beneficiaries.test_erasure import case_with_tokens
from tests.pages import submit, text_of

A, READER, B, SUPERVISOR = "ngo_a_caseworker", "ngo_a_reader", "ngo_b_caseworker", "iom_supervisor"


@pytest.fixture
def case(demo_users):
    with acting_as(demo_users[A]):
        return factories.a_case(demo_users[A])


@pytest.fixture
def scanner(settings):
    with scanners.listening() as address:
        settings.SCANNER = address
        yield


def sent(client, case, data: bytes, *, name="photo.jpg", content_type="image/jpeg", **changes):
    """Send the page's form with a file, as a browser does."""
    given = {"kind": "letter", "title": "From the ward", "confidentiality": "normal"}
    upload = SimpleUploadedFile(name, data, content_type)
    return submit(client, f"/cases/{case.reference}/documents/new/", given | {"file": upload} | changes)


def stored_files(settings) -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def address_of(document) -> str:
    return f"/cases/{document.case.reference}/documents/{document.pk}/"


def body_of(response) -> bytes:
    return b"".join(response) if response.streaming else response.content


def test_a_photo_is_uploaded_and_downloaded(case, demo_users, sign_in, settings):
    client = sign_in(A)
    page = sent(client, case, uploaded_files.photo(), name="IMG_20261125.jpg")
    assert "The file is saved." in text_of(page)
    assert "From the ward" in text_of(page)
    with acting_as(demo_users[A]):
        document = Document.objects.get(case=case)
        assert address_of(document) in text_of(page)
    answer = client.get(address_of(document))
    assert answer.status_code == 200
    assert answer["Content-Type"] == "image/jpeg"
    assert answer["Content-Disposition"].startswith(f'attachment; filename="{case.reference}-letter-')
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["Cache-Control"] == "no-store"
    picture = Image.open(io.BytesIO(body_of(answer)))
    assert picture.size == (640, 480)
    assert not picture.getexif()
    assert len(stored_files(settings)) == 1


@contextmanager
def _held(name: str, *locks: tuple[int, int | str]):
    """Another process's transaction, which uploads a file just now."""
    link = psycopg2.connect(databases.url("app", name))
    for first, second in locks:
        function = "hashtext(%s)" if isinstance(second, str) else "%s"
        link.cursor().execute(f"SELECT pg_try_advisory_xact_lock(%s, {function})", [first, second])
    yield
    link.close()


def _uploads(demo_users, who: str = A):
    with acting_as(demo_users[who]):
        case = factories.a_case(demo_users[who], "NGO_B" if who == B else "NGO_A")
        return factories.a_document(case, demo_users[who], data=uploaded_files.photo())


def test_files_are_checked_in_as_many_slots_as_are_set(committed, demo_users, settings, monkeypatch):
    """Two small files kept both web workers busy for 13 seconds: there are fewer slots than workers."""
    monkeypatch.setattr(uploads, "PATIENCE", 0.2)
    settings.UPLOAD_SLOTS = 2
    with _held(committed, (uploads.LOCKS, 1)):
        assert _uploads(demo_users)
    with (
        _held(committed, (uploads.LOCKS, 1), (uploads.LOCKS, 2)),
        pytest.raises(ValidationError, match="in a minute"),
    ):
        _uploads(demo_users)
    assert _uploads(demo_users)


def test_each_user_has_one_file_checked_at_a_time(committed, demo_users, settings):
    settings.UPLOAD_SLOTS = 9
    with _held(committed, (uploads.LOCKS_OF_USERS, str(demo_users[A].pk))):
        with pytest.raises(ValidationError, match="in a minute"):
            _uploads(demo_users)
        assert _uploads(demo_users, B)
    assert _uploads(demo_users)


def test_stored_files_are_encrypted(case, demo_users, settings):
    with acting_as(demo_users[A]):
        document = factories.a_document(case, demo_users[A], data=uploaded_files.pdf(text="CANARYLETTER"))
        (path,) = stored_files(settings)
        lying = path.read_bytes()
        assert b"%PDF" not in lying
        assert b"CANARY" not in lying
        assert content_of(document).startswith(b"%PDF")
        other = factories.a_document(case, demo_users[A])
        other.file, document.file = document.file, other.file
        with pytest.raises(Exception, match="file of document"):  # it can't be decrypted in another row
            content_of(other)


@pytest.mark.parametrize(
    ("name", "content_type", "data"),
    [
        ("photo.jpg", "image/jpeg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        ("photo.jpg", "image/jpeg", b"<!DOCTYPE html><script>alert(1)</script>"),
        ("document.pdf", "application/pdf", uploaded_files.pdf() + b"PK\x05\x06" + bytes(18)),
        ("document.pdf", "application/pdf", b"<html>" + uploaded_files.pdf()),
        ("document.pdf", "application/pdf", uploaded_files.locked_pdf()),
        ("program.exe", "application/octet-stream", b"MZ\x90\x00" + bytes(100)),
        ("photo.jpg", "image/jpeg", uploaded_files.photo()[:700]),
        ("photo.jpg", "image/jpeg", b""),
    ],
)
def test_a_file_of_another_type_than_it_claims_is_refused_and_not_stored(
    case, demo_users, sign_in, settings, name, content_type, data
):
    page = sent(sign_in(A), case, data, name=name, content_type=content_type, title="Typed already")
    assert page.status_code == 200
    assert "govuk-error-message" in text_of(page)
    assert 'value="Typed already"' in text_of(page)
    assert stored_files(settings) == []
    with acting_as(demo_users[A]):
        assert not Document.objects.filter(case=case).exists()


@pytest.mark.parametrize(
    "name",
    [
        "../../../../etc/cron.d/evil.jpg",
        "..\\..\\windows\\evil.jpg",
        "/etc/passwd",
        "gpj.\u202eexe.pdf",
        "\u202ecod.jpg",
        "evil.php\x00.jpg",
        "x" * 500 + ".jpg",
        "नागरिकता प्रमाणपत्र.jpg",
        "",
    ],
)
def test_file_names_are_stored_nowhere(case, demo_users, sign_in, settings, name):
    client = sign_in(A)
    page = sent(client, case, uploaded_files.photo(), name=name or "x")
    assert page.status_code == 200
    with acting_as(demo_users[A]):
        document = Document.objects.get(case=case)
    (path,) = stored_files(settings)
    assert files.NAME.fullmatch(f"{path.parent.name}/{path.name}")
    assert Path(settings.MEDIA_ROOT) in path.parents
    disposition = client.get(address_of(document))["Content-Disposition"]
    assert disposition.isascii()
    assert "evil" not in disposition


def test_a_file_that_is_too_large_is_refused_before_it_is_read_into_memory(case, sign_in, settings):
    big = uploaded_files.photo() + bytes(uploads.LARGEST)
    page = sent(sign_in(A), case, big)
    assert "larger than 20 MB" in text_of(page)
    assert stored_files(settings) == []


def test_a_page_takes_one_file_and_not_many_into_memory(case, sign_in, settings):
    both = {f"file{number}": SimpleUploadedFile("x.jpg", uploaded_files.photo()) for number in range(2)}
    assert sign_in(A).post(f"/cases/{case.reference}/documents/new/", both).status_code == 400
    assert stored_files(settings) == []


def states(case, user) -> list[str]:
    with acting_as(user):
        return sorted(row.state for row in Document.objects.visible_to(user).filter(case=case))


def verbs(case, demo_users) -> list[str]:
    with acting_as(demo_users["auditor"]):
        return list(AuditEvent.objects.filter(case_id=case.pk).values_list("verb", flat=True))


@pytest.mark.parametrize(
    "data",
    [uploaded_files.EICAR, uploaded_files.photo() + uploaded_files.EICAR, uploaded_files.harmful_pdf()],
)
def test_with_the_scanner_up_a_harmful_file_is_refused_and_recorded(
    case, demo_users, sign_in, scanner, settings, data
):
    page = sent(sign_in(A), case, data)
    assert "virus was found" in text_of(page)
    assert stored_files(settings) == []
    assert states(case, demo_users[A]) == []
    assert "harmful file refused" in verbs(case, demo_users)
    assert "document added" not in verbs(case, demo_users)


def test_with_the_scanner_up_a_document_is_available_at_once(case, demo_users, sign_in, scanner):
    assert "The file is saved." in text_of(sent(sign_in(A), case, uploaded_files.photo()))
    assert states(case, demo_users[A]) == ["clean"]


@pytest.mark.parametrize(
    "answer", [None, b"", b"INSTREAM size limit exceeded. ERROR\0", b"stream: OK", b"PONG\0"]
)
def test_with_the_scanner_down_a_document_waits_and_nobody_gets_it(
    case, demo_users, sign_in, settings, answer
):
    client = sign_in(A)
    with scanners.listening(answer) as address:
        settings.SCANNER = scanners.nobody_there() if answer is None else address
        page = sent(client, case, uploaded_files.photo())
        assert scan_waiting(now=now()) == {"clean": 0, "harmful": 0}
    assert "before the virus check" in text_of(page)
    assert "Waiting for the virus check" in text_of(page)
    with acting_as(demo_users[A]):
        document = Document.objects.get(case=case)
        assert content_of(document) is None
        assert address_of(document) not in text_of(page).replace("/remove/", "")
    assert client.get(address_of(document)).status_code == 404


def test_with_the_scanner_up_again_waiting_documents_are_released_or_deleted(
    committed, demo_users, client, settings, monkeypatch
):
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A])
        settings.SCANNER = scanners.nobody_there()
        factories.a_document(case, demo_users[A], data=uploaded_files.photo())
        bad = factories.a_document(case, demo_users[A], data=uploaded_files.harmful_pdf())
    assert states(case, demo_users[A]) == ["waiting", "waiting"]
    assert len(stored_files(settings)) == 2
    with scanners.listening() as settings.SCANNER:
        assert scan_waiting(now=now()) == {"clean": 1, "harmful": 1}
        assert scan_waiting(now=now()) == {"clean": 0, "harmful": 0}
    assert states(case, demo_users[A]) == ["clean", "harmful"]
    assert len(stored_files(settings)) == 1
    assert {"document scanned", "harmful file deleted"} <= set(verbs(case, demo_users))
    with acting_as(demo_users[A]):
        notice = Notice.objects.visible_to(demo_users[A]).filter(key=f"harmful:{bad.pk}").get()
        assert case.reference in notice.text
    client.force_login(demo_users[A])
    assert client.get(address_of(bad)).status_code == 404
    assert "virus was found in it" in text_of(client.get(f"/cases/{case.reference}/"))


def test_a_document_that_cant_be_read_keeps_back_no_other(committed, demo_users, settings):
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A])
        settings.SCANNER = scanners.nobody_there()
        lost = factories.a_document(case, demo_users[A])
        factories.a_document(case, demo_users[A])
    files.remove(lost.file)
    with scanners.listening() as settings.SCANNER:
        assert scan_waiting(now=now()) == {"clean": 1, "harmful": 0}


def test_an_interrupted_scan_is_repeated_after_its_lease(committed, owner, demo_users, settings):
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A])
        settings.SCANNER = scanners.nobody_there()
        factories.a_document(case, demo_users[A])
    assert scan_waiting(now=now()) == {"clean": 0, "harmful": 0}  # it is leased now
    with scanners.listening() as settings.SCANNER:
        assert scan_waiting(now=now()) == {"clean": 0, "harmful": 0}
        later = now() + document.LEASE + timedelta(seconds=1)
        assert scan_waiting(now=later) == {"clean": 0, "harmful": 0}  # the database's clock counts
        owner.execute("UPDATE beneficiaries_document SET leased_until = now()")
        assert scan_waiting(now=now()) == {"clean": 1, "harmful": 0}
    assert states(case, demo_users[A]) == ["clean"]


def test_the_application_itself_can_not_say_that_a_file_is_clean(case, demo_users, settings):
    settings.SCANNER = scanners.nobody_there()
    with acting_as(demo_users[A]):
        document = factories.a_document(case, demo_users[A])
        rows = Document.objects.filter(pk=document.pk)
        for change in (
            {"state": "clean"},
            {"kind": "other"},
            {"file": "aa/" + "b" * 62},
            {"by": demo_users[READER]},
        ):
            with pytest.raises(IntegrityError, match="document_transition"), transaction.atomic():
                rows.update(**change)


def test_a_deleted_document_cannot_be_restored(case, demo_users, settings):
    with acting_as(demo_users[A]):
        document = factories.a_document(case, demo_users[A])
        name = document.file
        remove_document(document=document, why="Another woman's.", by=demo_users[A], now=now())
        rows = Document.objects.filter(pk=document.pk)
        for change in (
            {"state": "clean", "file": name, "removed_by": None, "removed_at": None},
            {"state": "unchecked", "removed_by": None, "removed_at": None},
            {"file": name},
            {"removed_by": None},
            {"size": 0},
        ):
            with pytest.raises(IntegrityError), transaction.atomic():
                rows.update(**change)
        with pytest.raises(ValidationError, match="already"):
            remove_document(document=document, why="Again.", by=demo_users[A], now=now())


def test_a_row_has_a_file_until_it_is_deleted_and_no_file_has_two_rows(case, demo_users):
    with acting_as(demo_users[A]):
        document = factories.a_document(case, demo_users[A])
        for change in ({"file": ""}, {"file": document.file}, {"file": "", "state": "removed"}, {"size": 0}):
            copy = Document.objects.get(pk=document.pk)
            copy.title, copy.removed_why  # noqa: B018 - decrypted, as a copy under another id couldn't be
            copy.pk = uuid.uuid4()
            if change.get("file") != document.file:
                copy.file = "aa/" + "c" * 62
            for name, value in change.items():
                setattr(copy, name, value)
            with pytest.raises(IntegrityError), transaction.atomic():
                copy.save(force_insert=True)


def test_only_the_lead_deletes_a_document_with_a_reason_and_its_file_is_removed(
    committed, demo_users, client, settings
):
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A])
        factories.share_with_iom(case, demo_users[A])
        document = factories.a_document(case, demo_users[A])
    address = address_of(document)
    client.force_login(demo_users[SUPERVISOR])
    assert client.get(address).status_code == 200
    assert client.get(f"{address}remove/").status_code == 403
    client.force_login(demo_users[A])
    assert "This field is required" in text_of(submit(client, f"{address}remove/", {"why": " "}))
    assert len(stored_files(settings)) == 1
    page = submit(client, f"{address}remove/", {"why": "It is another woman's."})
    assert "It is another woman" in text_of(page)
    assert stored_files(settings) == []
    assert client.get(address).status_code == 404


@pytest.mark.parametrize("kind", ["restricted", "counselling"])
def test_a_confidential_document_is_hidden_from_those_who_may_not_read_it(case, demo_users, client, kind):
    with acting_as(demo_users[A]):
        factories.share_with_iom(case, demo_users[A])
        document = factories.a_document(case, demo_users[A], confidentiality=kind, title="CANARYDOCUMENT")
    missing = address_of(document).replace(str(document.pk), str(uuid.uuid4()))
    for username in (READER, SUPERVISOR, "protection_supervisor"):
        client.force_login(demo_users[username])
        assert "CANARYDOCUMENT" not in text_of(client.get(f"/cases/{case.reference}/"))
        hidden, unknown = client.get(address_of(document)), client.get(missing)
        assert hidden.status_code == unknown.status_code == 404
        assert hidden.content == unknown.content
    client.force_login(demo_users[A])
    assert client.get(address_of(document)).status_code == 200


def test_nobody_adds_a_document_that_they_may_not_read(case, demo_users, sign_in, settings):
    with acting_as(demo_users[A]):
        factories.share_with_iom(case, demo_users[A])
    page = sent(sign_in(SUPERVISOR), case, uploaded_files.photo(), confidentiality="counselling")
    assert "You can only add what you are allowed to read." in text_of(page)
    assert stored_files(settings) == []


def test_reading_a_document_is_recorded_and_shown_to_those_who_work_on_the_case(case, demo_users, client):
    with acting_as(demo_users[A]):
        document = factories.a_document(case, demo_users[A])
    client.force_login(demo_users[READER])
    assert client.get(address_of(document)).status_code == 200
    assert verbs(case, demo_users).count("document read") == 1
    client.force_login(demo_users[A])
    assert demo_users[READER].get_full_name() in text_of(client.get(f"/cases/{case.reference}/readers/"))


def test_a_document_is_not_sent_if_reading_it_cannot_be_recorded(committed, owner, demo_users, client):
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A])
        document = factories.a_document(case, demo_users[A])
    client.force_login(demo_users[A])
    client.raise_request_exception = False
    assert client.get(address_of(document)).status_code == 200
    owner.execute("REVOKE INSERT ON core_auditevent FROM iom_app")
    answer = client.get(address_of(document))
    assert answer.status_code == 500
    assert b"%PDF" not in body_of(answer)


def test_no_address_serves_the_folder_of_files(case, demo_users, sign_in):
    with acting_as(demo_users[A]):
        document = factories.a_document(case, demo_users[A])
    client = sign_in(A)
    for address in (
        f"/media/{document.file}",
        f"/files/{document.file}",
        f"/static/{document.file}",
        f"/{document.file}",
    ):
        assert client.get(address).status_code == 404


def test_documents_are_deleted_with_an_erased_beneficiary(committed, demo_users, settings):
    case, by = case_with_tokens(demo_users), demo_users[READER]
    with acting_as(demo_users[A]):
        document = factories.a_document(case, demo_users[A])
        close_case(case=case, by=demo_users[A], now=now())
    with acting_as(by):
        erase_beneficiary(case=case, by=by, now=now())
        (path,) = stored_files(settings)
        encrypted = path.read_bytes()
        assert (
            data_keys.decrypt_for(encrypted, bound_to=document.place) is None
        )  # a file that is left can't be decrypted any more
        gone = Document.objects.get(pk=document.pk)
        assert (gone.state, gone.file, gone.title) == ("removed", "", "")
    os.utime(path, (time.time() - 3 * 86400,) * 2)
    assert sweep_files(now=now()) == 1


def test_files_of_an_interrupted_action_are_deleted(committed, demo_users, settings):
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A])
        document = factories.a_document(case, demo_users[A])
        with pytest.raises(RuntimeError), transaction.atomic():
            factories.a_document(case, demo_users[A])
            raise RuntimeError("the action broke off")
    assert len(stored_files(settings)) == 2
    assert sweep_files(now=now()) == 0  # an action may still be running
    for path in stored_files(settings):
        os.utime(path, (time.time() - 3 * 86400,) * 2)
    assert sweep_files(now=now()) == 1
    assert [f"{path.parent.name}/{path.name}" for path in stored_files(settings)] == [document.file]
    with acting_as(demo_users[A]):
        assert content_of(document)


def rows_of(case, user, count: int, **changes) -> list[Document]:
    """Documents of other days, as far as the application can say that."""
    given = {"kind": "letter", "content_type": "image/png", "state": "unchecked", "size": 1, "by": user}
    return [
        Document(case=case, file=f"{number}-{user.pk}", at=now() - timedelta(days=number), **given | changes)
        for number in range(count)
    ]


def test_a_user_adds_a_limited_number_of_files_in_a_day(case, demo_users, sign_in, monkeypatch, settings):
    monkeypatch.setattr(rules, "DOCUMENTS_A_DAY", 1)
    client = sign_in(A)
    assert "The file is saved." in text_of(sent(client, case, uploaded_files.photo()))
    page = text_of(sent(client, case, uploaded_files.photo(), title="From the other ward"))
    assert "You added 1 files today. Add the others tomorrow." in page
    assert "From the other ward" in page
    assert len(stored_files(settings)) == 1


def test_the_database_counts_the_files_of_a_day_by_its_own_clock(case, demo_users, monkeypatch, settings):
    """The user can't read all of them any more, so the application may count fewer."""
    monkeypatch.setattr("beneficiaries.operations.document.documents_added", lambda _user, on: 0)
    with acting_as(demo_users[A]):
        before = now()
        Document.objects.bulk_create(rows_of(case, demo_users[A], rules.DOCUMENTS_A_DAY))
        assert {row.at >= before for row in Document.objects.all()} == {True}
        with pytest.raises(IntegrityError, match="more files than one user"), transaction.atomic():
            rows_of(case, demo_users[A], rules.DOCUMENTS_A_DAY + 1)[-1].save(force_insert=True)
        with pytest.raises(ValidationError, match="You added 100 files today"), transaction.atomic():
            factories.a_document(case, demo_users[A], data=uploaded_files.photo())
    assert stored_files(settings) == []


def test_a_document_is_added_in_ones_own_name(case, demo_users):
    with acting_as(demo_users[A]), pytest.raises(DatabaseError), transaction.atomic():
        rows_of(case, demo_users[B], 1)[0].save(force_insert=True)
