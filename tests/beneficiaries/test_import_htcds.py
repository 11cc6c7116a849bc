"""Importing a workbook of the Human Trafficking Case Data Standard: what is accepted, what is refused and
why.
"""

import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.db import connection

from beneficiaries.htcds import NotHtcds, Table, bounds, read_row, workbook
from beneficiaries.htcds.workbook import read_workbook
from beneficiaries.models import Beneficiary, Case, CaseFile, Consent
from beneficiaries.operations.importing import import_htcds
from core.clock import now
from core.context import acting_as
from core.phone import phone_index
from tests import factories

SAMPLE = Path(__file__).parents[1] / "data" / "htcds_sample_200.xlsx"
A = "ngo_a_caseworker"
TODAY = date(2026, 5, 1)
SITA = {
    "prs_FirstName": "Sita",
    "prs_SecondName": "Tamang",
    "con_Consent": True,
    "prs_Birthdate": datetime(1995, 10, 29),
    "prs_Gender": "Feminine",
    "prs_Citizenship": "NPL",
    "prs_MobilePhone": "+977 985-0487223",
    "prs_MailingCity": "Madi",
    "prs_MailingCountry": "Nepal",
    "prs_MailingState": "Sankhuwasabha",
    "vic_TraffickingStatus": "ActualVictimOfTrafficking",
    "vic_MethodsOfControl": "WithholdsNecessities;Other",
    "cas_Status": "FollowUp",
    "cas_IncomingReferralDate": datetime(2016, 12, 8),
}


@pytest.fixture
def book(tmp_path):
    """Return a function that writes a workbook as the template has it and returns its path."""

    def written(*rows: dict, names=None, labels=None, name: str = "book.xlsx") -> Path:
        names = names or list(dict.fromkeys(key for row in rows for key in row))
        made = openpyxl.Workbook()
        made.active.append([None, *names])
        if labels:
            made.active.append([None, *labels])
        for number, row in enumerate(rows, start=1):
            made.active.append([number, *(row.get(key) for key in names)])
        made.save(tmp_path / name)
        return tmp_path / name

    return written


@pytest.fixture
def run(demo_users, capsys):
    """Return a function that runs the command and returns the lines that it printed."""

    def ran(path: Path, *options: str, organisation: str = "NGO_A") -> list[str]:
        call_command("import_cases", str(path), "--format", "htcds", "--organisation", organisation, *options)
        return capsys.readouterr().out.splitlines()

    return ran


def imported(user) -> list[Case]:
    """Return the cases that this user sees and that were imported."""
    with acting_as(user):
        cases = Case.objects.visible_to(user).exclude(import_key=None)
        return list(cases.select_related("beneficiary__home_district", "beneficiary__home_local_level"))


def file_of(case: Case, user) -> CaseFile:
    with acting_as(user):
        file = CaseFile.objects.visible_to(user).get(case=case)
        assert isinstance(file.htcds, dict)  # decrypted while a user is entered
        return file


def country(text: str) -> str | None:
    return {"NPL": "NP", "Nepal": "NP", "IND": "IN"}.get(text)


def refusals(**changes) -> list[str]:
    """Return why the row is refused on the day TODAY; None removes a cell."""
    cells = {name: value for name, value in (SITA | changes).items() if value is not None}
    return read_row(cells, today=TODAY, country=country).refusals


@pytest.mark.django_db
def test_the_sample_is_imported_once_however_often_it_is_run(run, demo_users):
    first = run(SAMPLE)
    refused = [line for line in first if ": refused: " in line]
    assert len(refused) == 12
    assert {line.split(": ", 1)[1] for line in refused} == {"refused: consent is missing"}
    assert first[-2:] == ["new 188 already there 0", "rows 200 accepted 188 refused 12"]
    before = {case.pk for case in imported(demo_users[A])}
    assert len(before) == 188
    second = run(SAMPLE)
    assert second[-2:] == ["new 0 already there 188", "rows 200 accepted 188 refused 12"]
    assert {case.pk for case in imported(demo_users[A])} == before


@pytest.mark.django_db
def test_a_dry_run_says_the_same_and_writes_nothing(run, demo_users):
    def counted():
        with acting_as(demo_users[A]):
            return [model.objects.count() for model in (Beneficiary, Case, CaseFile, Consent)]

    before = counted()
    dry = run(SAMPLE, "--dry-run")
    assert counted() == before
    assert run(SAMPLE) == dry
    assert counted() == [figure + 188 for figure in before]


@pytest.mark.django_db
def test_a_row_becomes_a_beneficiary_a_case_and_a_consent(run, demo_users, book):
    assert run(book(SITA))[-1] == "rows 1 accepted 1 refused 0"
    (case,) = imported(demo_users[A])
    person, file = case.beneficiary, file_of(case, demo_users[A])
    assert (person.first_name, person.second_name, person.sex) == ("Sita", "Tamang", "female")
    assert (person.birth_on, person.birth_precision) == (date(1995, 10, 29), "day")
    with acting_as(demo_users[A]):
        assert (person.citizenship, person.phone) == ("NP", "+977 985-0487223")
    assert person.home_district.name_en == "Sankhuwasabha"
    assert person.home_local_level.name_en == "Madi"
    assert person.home_local_level.district == person.home_district
    assert person.home_place == ""
    assert (case.status, case.opened_on, case.closed_on) == ("follow_up", date(2016, 12, 8), None)
    assert (file.groups, file.caseworker) == (["survivor_of_trafficking"], demo_users[A])
    assert file.htcds == {
        "prs_Gender": "Feminine",
        "prs_MailingCountry": "NP",
        "vic_TraffickingStatus": "ActualVictimOfTrafficking",
        "vic_MethodsOfControl": ["Other", "WithholdsNecessities"],
        "cas_Status": "FollowUp",
        "cas_IncomingReferralDate": "2016-12-08",
    }
    with acting_as(demo_users[A]):
        consent = Consent.objects.visible_to(demo_users[A]).get(case=case)
    assert (consent.purpose, consent.is_given, consent.given_by) == ("services", True, "self")
    assert (consent.how, consent.asked_on) == ("file", date(2016, 12, 8))


@pytest.mark.django_db
def test_a_bad_row_does_not_stop_good_ones_and_reports_all_its_reasons(run, demo_users, book):
    bad = SITA | {
        "con_Consent": "perhaps",
        "prs_Gender": "Femal",
        "cas_Status": "Lost",
        "prs_FirstName": None,
    }
    lines = run(book(SITA, bad, SITA | {"prs_FirstName": "Gita"}))
    assert lines[1:] == [
        "row 3: refused: consent is missing; Gender (prs_Gender): “Femal” is not in the standard's list; "
        "Status (cas_Status): “Lost” is not in the standard's list; first name is missing",
        "new 2 already there 0",
        "rows 3 accepted 2 refused 1",
    ]
    assert {case.beneficiary.first_name for case in imported(demo_users[A])} == {"Sita", "Gita"}


@pytest.mark.parametrize("consent", [None, False, 0, "no", "FALSE", "perhaps", "#REF!", datetime(2020, 1, 1)])
def test_anything_but_a_clear_yes_is_no_consent(consent):
    assert refusals(con_Consent=consent) == ["consent is missing"]


@pytest.mark.parametrize("consent", [True, 1, "TRUE", " yes ", "हो"])
def test_a_clear_yes_is_consent(consent):
    assert refusals(con_Consent=consent) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"prs_FirstName": None}, "first name is missing"),
        ({"prs_FirstName": "M" * 10_000}, "First Name (prs_FirstName): longer than 100 characters"),
        ({"prs_FirstName": "#N/A"}, "First Name (prs_FirstName): the spreadsheet shows an error, #N/A"),
        ({"prs_FirstName": "Si\x00ta"}, "First Name (prs_FirstName): has a character that is not text"),
        (
            {"prs_Birthdate": datetime(2026, 5, 2)},
            "birth date is in the future: 2026-05-02 (read as a Bikram Sambat date it is 1969-08-18 AD; the "
            "standard takes AD dates)",
        ),
        (
            {"prs_Birthdate": "2049-11-16"},
            "birth date is in the future: 2049-11-16 (read as a Bikram Sambat date it is 1993-02-27 AD; the "
            "standard takes AD dates)",
        ),
        ({"prs_Birthdate": datetime(1905, 1, 1)}, "birth date is more than 120 years ago"),
        ({"prs_Birthdate": datetime(2017, 1, 1)}, "birth date is after the incoming referral date"),
        ({"prs_Birthdate": "32 May"}, "Birthdate (prs_Birthdate): “32 May” can't be read as a date"),
        ({"prs_Birthdate": "1995-02-30"}, "Birthdate (prs_Birthdate): “1995-02-30” can't be read as a date"),
        ({"prs_Birthdate": 35001}, "Birthdate (prs_Birthdate): “35001” can't be read as a date"),
        ({"prs_Gender": "Femal"}, "Gender (prs_Gender): “Femal” is not in the standard's list"),
        ({"prs_Citizenship": "XYZ"}, "Citizenship (prs_Citizenship): “XYZ” is not in the standard's list"),
        ({"cas_Status": "Lost"}, "Status (cas_Status): “Lost” is not in the standard's list"),
        (
            {"vic_MethodsOfControl": "Other;Sorcery"},
            "Methods of Control (vic_MethodsOfControl): “Sorcery” is not in the standard's list",
        ),
        (
            {"cas_IncomingReferralDate": datetime(2026, 5, 2)},
            "incoming referral date is in the future: 2026-05-02",
        ),
        ({"cas_IncomingReferralDate": "2016"}, "incoming referral date must include the day"),
        (
            {"cas_IncomingReferralDate": "1899-12-31", "prs_Birthdate": None},
            "incoming referral date is before 1900: 1899-12-31",
        ),
        (
            {"cas_OutgoingReferralDate": "0001-01-01"},
            "outgoing referral date is before 1900: 0001-01-01",
        ),
        (
            {"cas_OutgoingReferralDate": "9999-12-31"},
            "outgoing referral date is in the future: 9999-12-31",
        ),
        ({"prs_NumberOfChildren": "1e1"}, "Number of Children (prs_NumberOfChildren): “1e1” is not a number"),
        ({"prs_NumberOfChildren": "1_0"}, "Number of Children (prs_NumberOfChildren): “1_0” is not a number"),
        ({"prs_NumberOfChildren": "two"}, "Number of Children (prs_NumberOfChildren): “two” is not a number"),
        ({"prs_NumberOfChildren": "nan"}, "Number of Children (prs_NumberOfChildren): “nan” is not a number"),
        ({"prs_NumberOfChildren": -1}, "Number of Children (prs_NumberOfChildren): not between 0 and 99"),
        ({"prs_Deceased": "perhaps"}, "Deceased (prs_Deceased): “perhaps” is not yes or no"),
    ],
)
def test_a_row_is_refused_with_its_reason(changes, reason):
    assert refusals(**changes) == [reason]


CHILD = "a child's consent must be recorded by hand (guardian and child)"


@pytest.mark.parametrize(
    ("birth", "expected"),
    [
        (datetime(1998, 12, 8), []),
        (datetime(1998, 12, 9), [CHILD]),  # 17 on the day of opening, an adult today
        ("1998-12", [CHILD]),  # perhaps a child
        ("1998", [CHILD]),
        ("1997", []),
        (None, []),
    ],
)
def test_a_row_of_a_possible_child_at_opening_is_refused(birth, expected):
    assert refusals(prs_Birthdate=birth) == expected


@pytest.mark.django_db
def test_the_case_page_opens_for_an_imported_case(run, demo_users, sign_in, book):
    run(book(SITA | {"cas_Status": "Closed"}))
    (case,) = imported(demo_users[A])
    response = sign_in(A).get(f"/cases/{case.reference}/")
    assert response.status_code == 200
    assert "Sita Tamang" in response.content.decode()


@pytest.mark.django_db
def test_the_other_organisation_sees_nothing_of_it(run, demo_users, book):
    run(book(SITA))
    assert imported(demo_users["ngo_b_caseworker"]) == []
    assert run(book(SITA), organisation="NGO_B")[-2] == "new 1 already there 0"
    assert len(imported(demo_users["ngo_b_caseworker"])) == 1
    assert len(imported(demo_users[A])) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--organisation", "NOBODY"], "there is no active organisation with the code NOBODY"),
        (["--organisation", "NGO_A", "--as", "ngo_a_reader"], "ngo_a_reader may not write cases in NGO_A"),
        (
            ["--organisation", "NGO_A", "--as", "ngo_b_caseworker"],
            "ngo_b_caseworker may not write cases in NGO_A",
        ),
    ],
)
@pytest.mark.django_db
def test_a_user_who_may_not_import_gets_one_line(capsys, demo_users, options, message):
    with pytest.raises(SystemExit) as stopped:
        call_command("import_cases", str(SAMPLE), "--format", "htcds", *options)
    assert stopped.value.code == 1
    assert capsys.readouterr().err == f"import_cases: {message}\n"
    assert imported(demo_users[A]) == []


def test_the_operation_itself_checks_who_may_write(demo_users):
    reader = demo_users["ngo_a_reader"]
    with acting_as(reader), pytest.raises(PermissionDenied):
        import_htcds(table=Table([], []), organisation=factories.organisation("NGO_A"), by=reader, now=now())


def test_the_same_row_imported_twice_at_once_is_one_case(demo_users, committed, owner):
    """The second import waits at the constraint until the first one's transaction ends, then finds the case."""
    table, reports, written = Table([(2, SITA)], []), [], threading.Event()

    def bring(is_first: bool) -> None:
        user = demo_users[A]
        try:
            with acting_as(user):
                reports.append(
                    import_htcds(
                        table=table, organisation=factories.organisation("NGO_A"), by=user, now=now()
                    )
                )
                if is_first:
                    written.set()
                    _until_somebody_waits(owner)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(bring, True)
        assert written.wait(20)
        second = pool.submit(bring, False)
        first.result()
        second.result()
    assert sorted((report.new, report.already_there) for report in reports) == [(0, 1), (1, 0)]
    owner.execute("SELECT count(*) FROM beneficiaries_case WHERE import_key IS NOT NULL")
    assert owner.fetchone() == (1,)
    owner.execute(
        "SELECT count(*) FROM beneficiaries_beneficiary WHERE phone_index = %s",
        [phone_index(SITA["prs_MobilePhone"])],
    )
    assert owner.fetchone() == (1,), "what the second one had begun is taken back"


def _until_somebody_waits(owner) -> None:
    """Wait until a session of this database waits for another's transaction."""
    for _try in range(200):
        owner.execute(
            "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
            "WHERE NOT l.granted AND a.datname = current_database()"
        )
        if owner.fetchone()[0]:
            return
        time.sleep(0.05)
    raise AssertionError("the second import never came to the constraint")


def _zip(path: Path, name: str, size: int) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, bytes(size))
    return path


def why_not(path: Path) -> str:
    """Return why the file can't be read, in one line."""
    with pytest.raises(NotHtcds) as refused:
        read_workbook(path)
    assert "\n" not in str(refused.value)
    return str(refused.value)


DAMAGED = "is not an XLSX workbook, or is encrypted or damaged"


def test_a_file_that_is_no_workbook_is_refused(tmp_path):
    (tmp_path / "text.xlsx").write_text("prs_FirstName,con_Consent\n", encoding="utf-8")
    (tmp_path / "empty.xlsx").write_bytes(b"")
    assert why_not(tmp_path / "text.xlsx") == DAMAGED
    assert why_not(tmp_path / "empty.xlsx") == DAMAGED
    assert why_not(_zip(tmp_path / "other.zip", "letter.txt", 10)) == DAMAGED
    assert why_not(tmp_path / "absent.xlsx") == "can't be opened: No such file or directory"
    assert why_not(tmp_path) == "can't be opened: Is a directory"


def test_a_damaged_workbook_is_refused(tmp_path, book):
    whole = book(SITA).read_bytes()
    (tmp_path / "cut.xlsx").write_bytes(whole[: len(whole) // 2])
    assert why_not(tmp_path / "cut.xlsx") == DAMAGED
    broken = tmp_path / "broken.xlsx"
    with zipfile.ZipFile(book(SITA)) as source, zipfile.ZipFile(broken, "w") as target:
        for entry in source.infolist():
            text = source.read(entry)
            target.writestr(entry, text[:-40] if entry.filename.endswith("sheet1.xml") else text)
    assert why_not(broken) == DAMAGED


def test_a_workbook_with_entities_is_refused(tmp_path, book):
    """Nested entities: a few lines that would fill the memory."""
    bomb = tmp_path / "entities.xlsx"
    with zipfile.ZipFile(book(SITA)) as source, zipfile.ZipFile(bomb, "w") as target:
        for entry in source.infolist():
            text = source.read(entry).decode()
            if entry.filename.endswith("sheet1.xml"):
                sheet = text[text.index("<worksheet") :].replace("Sita", "&a;")
                text = f'<!DOCTYPE worksheet [<!ENTITY a "Sita">]>{sheet}'
            target.writestr(entry, text)
    assert why_not(bomb) == DAMAGED


def test_a_workbook_that_would_unpack_to_too_much_is_refused_unopened(tmp_path):
    bomb = _zip(tmp_path / "bomb.xlsx", "xl/worksheets/sheet1.xml", bounds.MOST_BYTES + 1)
    assert bomb.stat().st_size < 200_000
    assert why_not(bomb) == "unpacks to 100 MB; at most 100 MB are read"


def test_too_many_rows_are_refused(book, monkeypatch):
    monkeypatch.setattr(workbook, "MOST_ROWS", 2)
    assert len(read_workbook(book(SITA, SITA)).rows) == 2
    assert why_not(book(SITA, SITA, SITA)) == "has more than 2 filled rows; divide it"
    assert why_not(book(*[SITA] * 20)) == "has more than 2 filled rows; divide it"


def test_a_workbook_without_the_standards_names_is_refused(book):
    assert why_not(book({"First name": "Sita", "Consent": True, "Born": 1995})) == (
        "no visible sheet of this workbook has HTCDS names (prs_FirstName, con_Consent …) in its first 10 rows"
    )


def test_a_column_named_twice_is_refused(book):
    path = book(SITA, names=[*SITA, "prs_FirstName"])
    assert why_not(path) == "has the same column twice: prs_FirstName"


def test_empty_rows_at_the_end_and_empty_sheets_are_ignored(book):
    path = book(SITA, {}, {})
    made = openpyxl.load_workbook(path)
    made.create_sheet("about", 0).append(["Microsoft Excel HTCDS 2.0"])
    made.active["A1"] = None
    made.save(path)
    table = read_workbook(path)
    assert [number for number, _cells in table.rows] == [2]


@pytest.mark.django_db
def test_a_file_that_cannot_be_read_is_reported_in_one_line(tmp_path, capsys, demo_users):
    path = tmp_path / "text.xlsx"
    path.write_text("Sita", encoding="utf-8")
    with pytest.raises(SystemExit) as stopped:
        call_command("import_cases", str(path), "--format", "htcds", "--organisation", "NGO_A")
    assert stopped.value.code == 1
    assert capsys.readouterr().err == f"import_cases: {path}: {DAMAGED}\n"
