"""Programme files: what the real ones say, and that a wrong one is refused at its line."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projects.programme_files import (
    FOLDER,
    Programme,
    ProgrammeFileError,
    definition_digest,
    read_all,
    read_programme,
)
from projects.rules import Answer, assess, digest, facts_named, reason_text, unknown_facts

ON = date(2017, 5, 1)
YES, NO, UNKNOWN = Answer.YES, Answer.NO, Answer.UNKNOWN


@pytest.fixture(scope="module")
def programmes() -> dict[str, Programme]:
    return {programme.code: programme for programme in read_all()}


def test_the_programmes_and_their_periods(programmes):
    assert {code: (p.period.starts_on, p.period.ends_on) for code, p in programmes.items()} == {
        "TRRIN": (date(2010, 3, 1), date(2012, 7, 31)),
        "FWW": (date(2016, 1, 1), date(2018, 12, 31)),
        "RASNM": (date(2015, 1, 1), date(2018, 12, 31)),
        "RASNM-2": (date(2026, 1, 1), date(2028, 12, 31)),
        "TSVCSP": (date(2015, 1, 1), date(2015, 12, 31)),
        "PTLO": (date(2010, 1, 1), date(2012, 12, 31)),
    }
    assert [code for code, p in programmes.items() if p.is_demo] == ["RASNM-2"]
    assert {code: p.phase_of for code, p in programmes.items() if p.phase_of} == {"RASNM-2": "RASNM"}
    assert list(programmes).index("RASNM-2") > list(programmes).index("RASNM")


def test_donors_ceilings_and_places(programmes):
    assert {code: [donor.code for donor in p.donors] for code, p in programmes.items()} == {
        "TRRIN": ["IOM_DEVELOPMENT_FUND"],
        "FWW": ["ZONTA"],
        "RASNM": ["QATAR_DEVELOPMENT_FUND"],
        "RASNM-2": ["QATAR_DEVELOPMENT_FUND"],
        "TSVCSP": ["CHILDFUND_KOREA"],
        "PTLO": ["ESRC"],
    }
    assert {code: p.grant.ceiling_npr for code, p in programmes.items() if p.grant} == {
        "TRRIN": 150_000,
        "FWW": 80_000,
        "RASNM": 65_000,
        "RASNM-2": 65_000,
        "TSVCSP": 50_000,
    }
    assert programmes["RASNM"].countries == ("QA", "SA", "AE", "KW", "JO", "LB", "MY")
    assert programmes["FWW"].districts == ("304", "302")


def test_targets_that_the_programmes_named(programmes):
    targets = {(code, i.key): i.target for code, p in programmes.items() for i in p.indicators}
    assert targets["TRRIN", "people_rehabilitated"] == 200
    assert targets["FWW", "returnee_women_reached"] == targets["FWW", "survivor_women_reached"] == 150
    assert targets["RASNM", "returned"] == 350
    assert targets["RASNM", "helped_on_arrival"] == 90
    assert targets["RASNM", "packages_delivered"] == 200
    assert targets["RASNM", "businesses_after_6_months"] is None


def test_a_programme_with_grants_follows_them_up(programmes):
    owed = [("enrolled", 7), ("grant_paid", 30), ("grant_paid", 90), ("grant_paid", 180), ("grant_paid", 365)]
    for programme in programmes.values():
        found = [(entry.starts, entry.after_days) for entry in programme.follow_ups]
        assert found == (owed if programme.grant else [])


def test_every_text_is_there_in_nepali(programmes):
    for p in programmes.values():
        entries = (*p.donors, *p.partners, *p.services, *p.budget_lines)
        labelled = (*p.admission_asks, *p.indicators, *p.follow_ups)
        texts = [p.name_ne, p.summary_ne, *(e.name_ne for e in entries), *(e.label_ne for e in labelled)]
        texts += [partner.does_ne for partner in p.partners]
        texts += [node["label_ne"] for node in _nodes(p.criteria)]
        assert [
            text for text in texts if not any("\u0900" <= character <= "\u097f" for character in text)
        ] == []


def _nodes(criteria):
    yield criteria
    for child in criteria.get("all", criteria.get("any", [])):
        yield from _nodes(child)


RETURNEE_TO_BE = {
    "is_nepali": True,
    "is_migrant_worker": True,
    "stranded_or_exploited": True,
    "country_of_stay": "KW",
    "abused_exploited_or_trafficked": False,
    "stranded_at_destination": False,
    "cannot_regularise_status": False,
    "cannot_get_assistance": False,
    "lacks_money_to_return": True,
    "lacks_travel_documents": False,
    "willing_to_return": True,
}
ENTREPRENEUR = {
    "groups": {"potential_victim"},
    "resident_in_nepal": True,
    "age": 16,
    "wants_enterprise": True,
    "wants_training": False,
    "willing_to_take_part": True,
    "recommended_by_partner": True,
}
WOMAN_OF_DHADING = {"sex": "female", "districts": {"304", "306"}, "groups": {"returnee_migrant"}}
INTERVIEWEE = {
    "research_consent": True,
    "groups": {"survivor_of_trafficking"},
    "sex": "female",
    "age": 30,
    "resident_in_nepal": True,
}


@pytest.mark.parametrize(
    ("code", "facts", "change", "answer"),
    [
        ("RASNM", RETURNEE_TO_BE, {}, YES),
        ("RASNM", RETURNEE_TO_BE, {"willing_to_return": False}, NO),
        ("RASNM", RETURNEE_TO_BE, {"willing_to_return": None}, UNKNOWN),
        ("RASNM", RETURNEE_TO_BE, {"country_of_stay": "OM"}, NO),
        ("RASNM", RETURNEE_TO_BE, {"is_nepali": False}, NO),
        ("RASNM", RETURNEE_TO_BE, {"stranded_or_exploited": False}, NO),
        ("RASNM", RETURNEE_TO_BE, {"lacks_money_to_return": False}, NO),
        ("RASNM", RETURNEE_TO_BE, {"lacks_money_to_return": False, "lacks_travel_documents": True}, YES),
        ("RASNM", RETURNEE_TO_BE, {"lacks_money_to_return": False, "cannot_regularise_status": True}, YES),
        ("RASNM", RETURNEE_TO_BE, {"lacks_money_to_return": False, "cannot_get_assistance": True}, YES),
        ("RASNM", RETURNEE_TO_BE, {"lacks_money_to_return": False, "stranded_at_destination": True}, YES),
        ("RASNM", RETURNEE_TO_BE, {"lacks_money_to_return": False, "cannot_get_assistance": None}, UNKNOWN),
        ("RASNM-2", RETURNEE_TO_BE, {}, YES),
        ("TRRIN", ENTREPRENEUR, {}, YES),
        ("TRRIN", ENTREPRENEUR, {"age": 15}, NO),
        ("TRRIN", ENTREPRENEUR, {"age": 15, "wants_training": True}, YES),
        ("TRRIN", ENTREPRENEUR, {"age": 13, "wants_training": True}, NO),
        ("TRRIN", ENTREPRENEUR, {"groups": {"returnee_migrant"}}, NO),
        ("TRRIN", ENTREPRENEUR, {"recommended_by_partner": False}, NO),
        ("FWW", WOMAN_OF_DHADING, {}, YES),
        ("FWW", WOMAN_OF_DHADING, {"sex": "male"}, NO),
        ("FWW", WOMAN_OF_DHADING, {"districts": {"302"}, "groups": {"survivor_of_trafficking"}}, YES),
        ("FWW", WOMAN_OF_DHADING, {"districts": {"306"}}, NO),
        ("FWW", WOMAN_OF_DHADING, {"groups": {"intending_migrant"}}, NO),
        ("TSVCSP", {"age": 9, "sex": "male", "groups": {"street_child"}}, {}, YES),
        ("TSVCSP", {"age": 18, "sex": "male", "groups": {"street_child"}}, {}, NO),
        ("TSVCSP", {"age": 30, "sex": "female", "groups": {"survivor_of_trafficking"}}, {}, YES),
        ("TSVCSP", {"age": 30, "sex": "female", "groups": set(), "is_vulnerable": True}, {}, YES),
        ("TSVCSP", {"age": 30, "sex": "male", "groups": {"survivor_of_trafficking"}}, {}, NO),
        ("TSVCSP", {"sex": "male", "groups": {"street_child"}}, {}, UNKNOWN),
        ("PTLO", INTERVIEWEE, {}, YES),
        ("PTLO", INTERVIEWEE, {"research_consent": False}, NO),
        ("PTLO", INTERVIEWEE, {"research_consent": None}, UNKNOWN),
    ],
)
def test_who_may_be_admitted(programmes, code, facts, change, answer):
    result = assess(facts | change, programmes[code].criteria, ON)
    assert result.answer == answer
    assert bool(unknown_facts(result)) == (answer is UNKNOWN)
    assert reason_text(result)


def test_a_childs_consent_is_asked_of_children_only(programmes):
    (ask,) = programmes["TSVCSP"].admission_asks
    assert assess({"age": 17}, ask.applies_to, ON).answer is YES
    assert assess({"age": 18}, ask.applies_to, ON).answer is NO


def test_criteria_use_known_facts_only(programmes):
    named = set().union(*(facts_named(p.criteria) for p in programmes.values()))
    assert named >= {"age", "sex", "groups", "districts", "country_of_stay", "research_consent"}


# Wrong files: the real RASNM with one thing changed.

RASNM = (FOLDER / "RASNM.yaml").read_text(encoding="utf-8")


def _written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "RASNM.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def _line_of(text: str, piece: str) -> int:
    return text[: text.index(piece)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  ends_on: 2018-12-31", "  ends_on: 2014-12-31", "a day on or after 2015-01-01, found 2014-12-31"),
        ("  starts_on: 2015-01-01", "  starts_on: soon", "a date such as 2015-01-31, found 'soon'"),
        ("  starts_on: 2015-01-01", "  starts_on: 20150101", "a date such as 2015-01-31, found '20150101'"),
        ("  starts_on: 2015-01-01", "  starts_on:", "a date such as 2015-01-31, found nothing"),
        (
            "  ceiling_npr: 65000",
            "  ceiling_npr: 0",
            "an amount in whole NPR from 1 to 9999999999, found '0'",
        ),
        (
            "  ceiling_npr: 65000",
            "  ceiling_npr: -5",
            "an amount in whole NPR from 1 to 9999999999, found '-5'",
        ),
        (
            "  ceiling_npr: 65000",
            "  ceiling_npr: 65 000",
            "an amount in whole NPR from 1 to 9999999999, found '65 000'",
        ),
        (
            "  service: reintegration_assistance",
            "  service: reintegration_asistance",
            "a service of this programme (near it: reintegration_assistance), "
            "found 'reintegration_asistance'",
        ),
        (
            "    services: [basic_needs, livelihood_opportunities]",
            "    services: [basic_need, livelihood_opportunities]",
            "a service of this programme (near it: basic_needs), found 'basic_need'",
        ),
        (
            "countries: [QA, SA, AE, KW, JO, LB, MY]",
            "countries: [QA, SA, AE, KW, JO, LB, ZZ]",
            "a country (ISO 3166 alpha-2), found 'ZZ'",
        ),
        (
            "countries: [QA, SA, AE, KW, JO, LB, MY]",
            "countries: [QA, SA, AE, KW, JO, LB, Malaisia]",
            "a country (ISO 3166 alpha-2) (near it: MY (Malaysia), MW (Malawi)), found 'Malaisia'",
        ),
        (
            "countries: [QA, SA, AE, KW, JO, LB, MY]",
            "countries: [QA, SA, AE, KW, JO, LB, MY, QA]",
            "each of the countries once, found 'QA' twice",
        ),
        (
            "countries: [QA, SA, AE, KW, JO, LB, MY]",
            "countries: QA",
            "a list of countries, found 'QA'",
        ),
        (
            "countries: [QA, SA, AE, KW, JO, LB, MY]",
            "districts: [Dading]\ncountries: [QA, SA, AE, KW, JO, LB, MY]",
            "a district code (near it: 304 (Dhading), 510 (Dang)), found 'Dading'",
        ),
        (
            "target_groups: [stranded_migrant,",
            "target_groups: [stranded_migrants,",
            "a target group (near it: stranded_migrant, intending_migrant, returnee_migrant), "
            "found 'stranded_migrants'",
        ),
        (
            "      fact: willing_to_return",
            "      fact: wiling_to_return",
            "a fact (near it: willing_to_return, willing_to_take_part, lacks_money_to_return), "
            "found 'wiling_to_return'",
        ),
        (
            "      fact: stranded_or_exploited\n      is: true",
            "      fact: stranded_or_exploited\n      is: yes",
            "true or false, found 'yes'",
        ),
        (
            "      in: [QA, SA, AE, KW, JO, LB, MY]",
            "      at_least: 3",
            "one of in for country_of_stay, found at_least",
        ),
        (
            "      in: [QA, SA, AE, KW, JO, LB, MY]",
            "      in: []",
            "at least one in the list of codes of country_of_stay, found none",
        ),
        (
            "      in: [QA, SA, AE, KW, JO, LB, MY]",
            "      im: [QA]",
            "a key of a criterion (code, label_en, label_ne, source, all, any, fact, is, in, has_any, "
            "at_least, below), found 'im'",
        ),
        (
            "summary_en: >",
            "sumary_en: >",
            "a key of a programme (near it: summary_en, summary_ne), found 'sumary_en'",
        ),
        ("grant:\n", "code: RASNM\ngrant:\n", "'code' once in a programme, found it twice"),
        (
            "    kind: iom\n",
            "    kind: donor\n",
            "a kind of partner (iom, ngo, government, company, shelter, university, un_agency), "
            "found 'donor'",
        ),
        (
            "name_en: Return Assistance to",
            "name_en: &name Return Assistance to",
            "values written out, found the anchor or alias name",
        ),
        (
            "name_en: Return Assistance to",
            "name_en: !!python/name:os.system to",
            "plain values, found the tag tag:yaml.org,2002:python/name:os.system",
        ),
        (
            "  - {code: temporary_shelter,",
            "  - {code: basic_needs,",
            "each of the services once, found 'basic_needs' twice",
        ),
        (
            "unit: percent, target: 90",
            "unit: percent, target: 101",
            "a target of at most 100 per cent, found 101",
        ),
        (
            "unit: percent, target: 90",
            "unit: share, target: 90",
            "a unit (people, percent, npr, count), found 'share'",
        ),
        (
            "kind: call, starts: enrolled",
            "kind: call, starts: enrolment",
            "a start (near it: enrolled), found 'enrolment'",
        ),
        (
            "name_en: Return Assistance to",
            "name_en: " + "x" * 301 + " #",
            "at most 300 characters, found 301",
        ),
    ],
)
def test_a_wrong_file_is_refused_at_its_line(tmp_path, old, new, message):
    text = RASNM.replace(old, new, 1)
    path = _written(tmp_path, text)
    changed = next(
        a for a, (b, c) in enumerate(zip(text.splitlines(), RASNM.splitlines(), strict=False), 1) if b != c
    )
    with pytest.raises(ProgrammeFileError) as caught:
        read_programme(path)
    assert str(caught.value) == f"{path}:{changed}: expected {message}"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "expected a programme, found an empty file"),
        ("# only a comment\n", 1, "expected a programme, found an empty file"),
        ("- code: A\n", 1, "expected a programme: code, name_en"),
        ("code: A\nname_en: B\n", 1, "expected 'name_ne' in a programme, found only code, name_en"),
        ("code: A\nname_en: [B\n", 3, "expected well-formed YAML, found "),
        ("code: A\n\tname_en: B\n", 2, "expected well-formed YAML, found "),
        ("code: A\n---\ncode: B\n", 2, "expected well-formed YAML, found "),
        ("code: A\nname_en: \x07\n", 2, "expected text, found the character U+0007"),
        ("code: A\nname_en: *name\n", 2, "expected values written out, found the anchor or alias name"),
        ("code: A\n? [a, b]\n: c\n", 2, "expected a key of a programme, found a list"),
        ("code: A\ncriteria: " + "[" * 200 + "]" * 200, 2, "expected at most 24 levels, found more"),
        (
            RASNM.replace("code: RASNM\n", "code: A b\n"),
            3,
            "expected a code of at most 40 letters, digits, - and _, found 'A b'",
        ),
    ],
)
def test_an_invalid_file_is_refused_with_line_and_reason(tmp_path, text, line, message):
    path = _written(tmp_path, text)
    with pytest.raises(ProgrammeFileError) as caught:
        read_programme(path)
    assert str(caught.value).startswith(f"{path}:{line}: {message}")


def test_binary_files_and_files_too_large_are_refused(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_bytes(b"code: A\nname_en: \xff\n")
    with pytest.raises(ProgrammeFileError, match=r"x\.yaml:2: expected UTF-8 text, found the byte 0xff"):
        read_programme(path)
    path.write_bytes(b"#" * 500_001)
    with pytest.raises(ProgrammeFileError, match="expected at most 500000 bytes, found 500001"):
        read_programme(path)


def test_bare_words_in_yaml_are_read_as_text(tmp_path):
    text = RASNM.replace("countries: [QA,", "countries: [NO, QA,")
    assert read_programme(_written(tmp_path, text)).countries[0] == "NO"


@given(st.integers(0, RASNM.count("\n")), st.text(alphabet="[]{}:-&*!'\"\n #|>é\t", min_size=1, max_size=6))
def test_random_characters_anywhere_are_read_or_refused_without_an_error(tmp_path_factory, line, scribble):
    lines = RASNM.split("\n")
    lines[line] += scribble
    path = _written(tmp_path_factory.mktemp("scribble"), "\n".join(lines))
    try:
        line_named = 1 if read_programme(path).code.startswith("RASNM") else 0
    except ProgrammeFileError as error:
        line_named = error.line
    assert 1 <= line_named <= len(lines) + scribble.count("\n")


# What files say of each other.


def _folder(tmp_path: Path, **changes: tuple[str, str]) -> Path:
    """Return the real programme files with one thing changed in some of them."""
    for path in FOLDER.glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        old, new = changes.get(path.stem.replace("-", "_"), ("", ""))
        assert old in text
        (tmp_path / path.name).write_text(text.replace(old, new, 1) if old else text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("changes", "at", "message"),
    [
        (
            {"TRRIN": ("code: TRRIN", "code: FWW")},
            "TRRIN.yaml",
            "expected a code of its own, found FWW, which FWW.yaml has",
        ),
        (
            {"RASNM_2": ("phase_of: RASNM", "phase_of: RASMN")},
            "RASNM-2.yaml",
            "expected a programme of another file (near it: RASNM), found 'RASMN'",
        ),
        (
            {"RASNM": ("code: RASNM", "code: RASNM\nphase_of: RASNM-2")},
            "RASNM-2.yaml",
            "expected phases that lead to a first one, found a circle",
        ),
        (
            {"TRRIN": ("name_en: IOM Nepal", "name_en: IOM")},
            "TRRIN.yaml",
            "expected IOM named as in FWW.yaml, found IOM (आईओएम नेपाल) iom",
        ),
        (
            {"FWW": ('has_any: ["304", "302"]', 'has_any: ["304", "306"]')},
            "FWW.yaml",
            "expected criteria on the programme's own districts, found 306 as well",
        ),
    ],
)
def test_files_that_contradict_each_other_are_refused(tmp_path, changes, at, message):
    with pytest.raises(ProgrammeFileError) as caught:
        read_all(_folder(tmp_path, **changes))
    assert (caught.value.path.name, str(caught.value).split(": ", 1)[1]) == (at, message)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(ProgrammeFileError, match="expected at least one programme file"):
        read_all(tmp_path)


def test_digests_change_with_their_content(tmp_path):
    same = read_programme(_written(tmp_path, "# a comment\n" + RASNM))
    criteria = read_programme(_written(tmp_path, RASNM.replace("MY]", "MY, OM]")))
    target = read_programme(_written(tmp_path, RASNM.replace("target: 350", "target: 351")))
    real = read_programme(FOLDER / "RASNM.yaml")
    assert (same.criteria_digest, definition_digest(same)) == (real.criteria_digest, definition_digest(real))
    assert real.criteria_digest == digest(real.criteria) != criteria.criteria_digest
    assert target.criteria_digest == real.criteria_digest
    assert len({definition_digest(programme) for programme in (real, criteria, target)}) == 3
