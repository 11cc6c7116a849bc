"""Places: what is loaded, that loading twice changes nothing, and finding a district by its name."""

import pytest
from django.utils import translation

from geography.models import Country, District, LocalLevel, Place, Province
from geography.operations import load_geography
from geography.queries import UnknownDistrict, find_district, require_district

ALL_ROWS = {"provinces": 7, "districts": 77, "local_levels": 753, "countries": 249}
NOTHING = dict.fromkeys(ALL_ROWS, 0)


def _rows() -> dict[str, int]:
    return {
        "provinces": Province.objects.count(),
        "districts": District.objects.count(),
        "local_levels": LocalLevel.objects.count(),
        "countries": Country.objects.count(),
    }


@pytest.fixture
def places(db):
    load_geography()


def test_the_first_load_adds_what_is_missing_and_the_second_writes_nothing(db):
    before = _rows()
    assert load_geography() == {kind: ALL_ROWS[kind] - before[kind] for kind in ALL_ROWS}
    assert _rows() == ALL_ROWS
    assert load_geography() == NOTHING


def test_only_what_differs_is_mended(places):
    District.objects.filter(code="304").update(name_en="Dading", province_id=Province.id_for("1"))
    Country.objects.filter(code="QA").update(name_ne="")
    assert load_geography() == NOTHING | {"districts": 1, "countries": 1}
    dhading = District.objects.get(code="304")
    assert (dhading.name_en, dhading.province.code) == ("Dhading", "3")
    assert Country.objects.get(code="QA").name_ne == "कतार"


def test_a_place_outside_the_files_stays(places):
    Country.objects.create(code="ZZ", alpha3="ZZZ", name_en="Elsewhere")
    assert load_geography() == NOTHING
    assert Country.objects.get(code="ZZ").pk == Country.id_for("ZZ")


def test_keys_come_from_codes(places):
    models: list[type[Place]] = [Province, District, LocalLevel, Country]
    for model in models:
        assert {row.pk for row in model.objects.all()} == {
            model.id_for(row.code) for row in model.objects.all()
        }
    assert Province.id_for("1") != District.id_for("1")


def test_each_local_level_lies_in_the_district_that_its_code_names(places):
    rows = LocalLevel.objects.values_list("code", "district__code", "district__province__code")
    assert [row for row in rows if (row[0][:3], row[0][:1]) != row[1:]] == []


def test_a_name_follows_the_language_and_falls_back_to_english(places):
    dhading = District.objects.get(code="304")
    nameless = Country(code="ZZ", alpha3="ZZZ", name_en="Elsewhere")
    with translation.override("ne"):
        assert (str(dhading), str(nameless)) == ("धादिङ", "Elsewhere")
    with translation.override("en"):
        assert str(dhading) == "Dhading"


@pytest.mark.parametrize(
    "text",
    ["Sindhupalchok", "Sindhupalchowk", "SINDHU PALCHOK", "  sindhupalchowk ", "सिन्धुपाल्चोक", "सिन्धु पाल्चोक"],
)
def test_a_district_is_found_by_any_of_its_spellings(places, text):
    assert find_district(text).code == "302"
    assert require_district(text).code == "302"


@pytest.mark.parametrize("text", ["", "   ", "Atlantis", "Rukum", "x" * 10_000, "अज्ञात"])
def test_an_unknown_district_is_nobodys_guess(places, text):
    assert find_district(text) is None
    with pytest.raises(UnknownDistrict):
        require_district(text)


def test_an_unknown_district_is_told_with_what_comes_near(places):
    with pytest.raises(UnknownDistrict, match=r"“Dhadingg” is not a district of Nepal\. Near it: Dhading"):
        require_district("Dhadingg")
    with pytest.raises(UnknownDistrict, match=r"^“Atlantis” is not a district of Nepal\.$"):
        require_district("Atlantis")
    with pytest.raises(UnknownDistrict, match="at most 100 characters"):
        require_district("x" * 10_000)


def test_no_spelling_names_two_districts(places):
    names = [
        "".join(name.casefold().split())
        for row in District.objects.all()
        for name in {row.name_en, row.name_ne, *row.aliases}
    ]
    assert len(names) == len(set(names))
