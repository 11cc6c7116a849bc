"""What the import reads in the cells and columns of an HTCDS workbook."""

from datetime import date, datetime

import openpyxl
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

import geography.queries
from beneficiaries.htcds import cell, standard
from tests.beneficiaries import test_import_htcds
from tests.beneficiaries.test_import_htcds import SITA, file_of, imported

book = test_import_htcds.book
run = test_import_htcds.run

A = "ngo_a_caseworker"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (datetime(1995, 10, 29, 12, 30), (date(1995, 10, 29), "day")),
        (date(1995, 10, 29), (date(1995, 10, 29), "day")),
        ("1995-10-29T00:00:00+05:45", (date(1995, 10, 29), "day")),
        (" १९९५/१०/२९ ", (date(1995, 10, 29), "day")),
        ("1995-10", (date(1995, 10, 1), "month")),
        (1995.0, (date(1995, 1, 1), "year")),
    ],
)
def test_dates_are_read_from_cells(value, expected):
    found = cell.date_of(value)
    assert (found.date, found.precision) == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (9801234567, "9801234567"),
        (9801234567.0, "9801234567"),
        (" a\u00a0 b ", "a b"),
        ("सीता", "सीता"),
        ("one\n two ", "one\ntwo"),
        (datetime(2020, 1, 2), "2020-01-02"),
        (False, "false"),
    ],
)
def test_texts_are_read_from_cells(value, text):
    assert cell.text_of(value) == text


def test_no_label_of_the_standard_means_two_codes():
    for field in standard.fields().values():
        assert set(field.codes.values()) == {
            code for code in field.codes.values() if field.code_of(code) == code
        }


@pytest.mark.django_db
def test_labels_mean_the_same_as_codes(run, demo_users, book):
    """The single-select template uses labels: the same row from either is one case."""
    labels = {
        "prs_FirstName": "Sita ",
        "prs_Gender": "feminine",
        "prs_Citizenship": "Nepal",
        "prs_Birthdate": "१९९५/१०/२९",
        "cas_IncomingReferralDate": "2016/12/8",
        "vic_TraffickingStatus": "Actual victim of trafficking  ",
        "vic_MethodsOfControl": "other; Withholds necessities ;Other",
        "cas_Status": "Follow up",
        "con_Consent": "Yes",
    }
    run(book(SITA))
    assert run(book(SITA | labels, name="labels.xlsx"))[-2] == "new 0 already there 1"
    assert len(imported(demo_users[A])) == 1


@pytest.mark.django_db
def test_a_label_with_a_semicolon_in_a_single_choice_is_one_code(run, demo_users, book):
    label = "Wholesale and retail trade; repair of motor vehicles and motorcycles"
    run(book(SITA | {"vic_ForcedLabourIndustry": label}))
    (case,) = imported(demo_users[A])
    code = file_of(case, demo_users[A]).htcds["vic_ForcedLabourIndustry"]
    assert code == "G_WholesaleAndRetailTradeRepairOfMotorVehicles"


@pytest.mark.django_db
def test_order_of_columns_and_row_numbers_make_no_new_case(run, book):
    gita = SITA | {"prs_FirstName": "Gita"}
    run(book(SITA, gita))
    again = book(gita, SITA, names=list(reversed(SITA)), name="turned.xlsx")
    assert run(again)[-2] == "new 0 already there 2"


@pytest.mark.django_db
def test_two_equal_rows_are_two_cases_and_stay_two(run, demo_users, book):
    path = book(SITA, SITA)
    assert run(path)[-2] == "new 2 already there 0"
    assert run(path)[-2] == "new 0 already there 2"
    assert run(book(SITA, SITA, SITA, name="three.xlsx"))[-2] == "new 1 already there 2"
    assert len(imported(demo_users[A])) == 3


@pytest.mark.django_db
def test_a_column_is_identified_by_its_technical_name_or_else_its_label(run, demo_users, book):
    names = ["prs_FirstName", "con_Consent", "prs_MailingCity", "prs_MailingCountry", None]
    names += ["vic_TraffickinStatusDecisionMakingOrg"]
    labels = ["First Name", "Consent", "Mailing Street", "Mailing City", "Reason for Outgoing Referral"]
    labels += ["Trafficking Status Decision Making Organization"]
    made = openpyxl.load_workbook(book(names=names, labels=labels))
    made.active.append([1, "Maya", True, "Old Bazaar", "Nepal", "Migration or change of location", "Police"])
    path = book(names=["x"], name="nameless.xlsx")
    made.save(path)
    run(path)
    (case,) = imported(demo_users[A])
    assert case.beneficiary.home_place == "Old Bazaar"
    assert file_of(case, demo_users[A]).htcds == {
        "prs_MailingCountry": "NP",
        "cas_ReasonForOutgoingReferral": "MigrationOrChangeOfLocation",
        "vic_TraffickingStatusDecisionMakingOrg": "Police",
        "opened_on_from": "import",
    }


@pytest.mark.django_db
def test_unknown_and_missing_columns_are_reported(run, demo_users, book):
    lines = run(book(SITA | {"prs_IdentityNumber": "canary-1", "Shoe size": "canary-2"}))
    assert lines[0] == ("column P (prs_IdentityNumber) is not stored: its values are left out")
    assert lines[1] == "column Q (Shoe size) is not stored: its values are left out"
    assert lines[2].startswith("missing columns: cas_CaseOwner, prs_Salutation, prs_Title")
    (case,) = imported(demo_users[A])
    assert "canary" not in str(file_of(case, demo_users[A]).htcds) + str(vars(case.beneficiary))


@pytest.mark.django_db
def test_an_unknown_district_is_kept_as_text_with_a_warning(run, demo_users, book):
    lines = run(book(SITA | {"prs_MailingState": "Sagarmatha Anchal", "prs_MailingStreet": "Ward 4"}))
    assert (
        "row 2: warning: “Sagarmatha Anchal” is not a district of Nepal. Kept as part of the address."
        in lines
    )
    (case,) = imported(demo_users[A])
    assert case.beneficiary.home_district is None
    assert case.beneficiary.home_place == "Ward 4, Madi, Sagarmatha Anchal"


@pytest.mark.django_db
@pytest.mark.parametrize("rows", [1, 4])
def test_unknown_municipalities_read_the_lists_of_places_once(run, demo_users, book, rows):
    unknown = [SITA | {"prs_MailingCity": f"Madee{number}"} for number in range(rows)]
    with CaptureQueriesContext(connection) as queries:
        lines = run(book(*unknown))
    assert f"rows {rows} accepted {rows} refused 0" in lines
    of_places = [
        query["sql"]
        for query in queries
        if query["sql"].startswith('SELECT "geography_') and "_locallevel" in query["sql"]
    ]
    assert len(of_places) == 2  # of the district, and of Nepal


@pytest.mark.django_db
def test_similar_names_are_looked_for_only_a_limited_number_of_times(run, demo_users, book, monkeypatch):
    monkeypatch.setattr(geography.queries, "MOST_SEARCHES", 2)
    lines = run(book(*(SITA | {"prs_MailingCity": f"Madi{letter}"} for letter in "xyz")))
    warned = [line for line in lines if "is not a municipality of Sankhuwasabha." in line]
    assert [(line[:5], "Similar: Madi" in line) for line in warned] == [
        ("row 2", True),
        ("row 3", True),
        ("row 4", False),
    ]


@pytest.mark.django_db
def test_an_address_abroad_needs_no_district_and_a_long_one_is_refused(run, demo_users, book):
    abroad = SITA | {"prs_MailingState": "Bihar", "prs_MailingCountry": "IND"}
    long = SITA | {"prs_MailingStreet": "s" * 120, "prs_MailingCity": "c" * 120}
    lines = run(book(abroad, long))
    assert not [line for line in lines if "warning" in line]
    assert "row 3: refused: the address is longer than 200 characters" in lines
    (case,) = imported(demo_users[A])
    assert case.beneficiary.home_place == "Madi, Bihar"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("said", "group", "warning"),
    [
        ("ActualVictimOfTrafficking", "survivor_of_trafficking", None),
        ("PossibleVictimOfTrafficking", "potential_victim", None),
        (
            "NotAVictimOfTrafficking",
            "returnee_migrant",
            "not a victim of trafficking: taken as a returnee migrant",
        ),
        (None, "potential_victim", "trafficking status is empty: taken as a potential victim"),
    ],
)
def test_the_trafficking_status_gives_the_situation(run, demo_users, book, said, group, warning):
    lines = run(book(SITA | {"vic_TraffickingStatus": said}))
    warnings = [line.removeprefix("row 2: warning: ") for line in lines if "warning" in line]
    assert warnings == ([warning] if warning else [])
    (case,) = imported(demo_users[A])
    assert file_of(case, demo_users[A]).groups == [group]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "status", "closed_on"),
    [
        ({"cas_Status": "Active"}, "active", None),
        ({"cas_Status": None}, "active", None),
        ({"cas_Status": "Closed"}, "closed", date(2016, 12, 8)),
        (
            {"cas_Status": "ClosedReferred", "cas_OutgoingReferralDate": datetime(2017, 3, 1)},
            "closed",
            date(2017, 3, 1),
        ),
        (
            {"cas_Status": "ClosedReferred", "cas_OutgoingReferralDate": datetime(2015, 3, 1)},
            "closed",
            date(2016, 12, 8),
        ),
    ],
)
def test_the_status_of_an_imported_case(run, demo_users, book, changes, status, closed_on):
    run(book(SITA | changes))
    (case,) = imported(demo_users[A])
    assert (case.status, case.closed_on) == (status, closed_on)
    from_ = {None: None, date(2017, 3, 1): "cas_OutgoingReferralDate"}.get(closed_on, "opened_on")
    assert file_of(case, demo_users[A]).htcds.get("closed_on_from") == from_


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("code", "sex"),
    [
        ("Masculine", "male"),
        ("TransgenderFeminine", "other"),
        ("NonConforming", "other"),
        ("NonSpecifiedUnknown", "unknown"),
        (None, "unknown"),
    ],
)
def test_the_exact_gender_is_kept_besides_the_sex(run, demo_users, book, code, sex):
    run(book(SITA | {"prs_Gender": code}))
    (case,) = imported(demo_users[A])
    assert case.beneficiary.sex == sex
    assert file_of(case, demo_users[A]).htcds.get("prs_Gender") == code


@pytest.mark.django_db
def test_several_citizenships_and_two_telephones_are_all_kept(run, demo_users, book):
    run(book(SITA | {"prs_Citizenship": "NPL;IND", "prs_HomePhone": "01-5550123"}))
    (case,) = imported(demo_users[A])
    htcds = file_of(case, demo_users[A]).htcds
    assert case.beneficiary.citizenship == "NP"
    assert (htcds["prs_Citizenship"], htcds["prs_HomePhone"]) == (["IN", "NP"], "01-5550123")
