"""Places: what is loaded, that loading twice changes nothing, and finding a district by its name."""

import time

import pytest
from django.utils import translation

from geography.models import Country, District, LocalLevel, Place, Province
from geography.operations import load_geography
from geography.queries import UnknownDistrict, UnknownLocalLevel, require_district, require_local_level
from geography.spelling import place_key, ward_beside, with_ward

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


def test_only_differing_places_are_updated(places):
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


def test_ids_are_derived_from_codes(places):
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
    assert require_district(text).code == "302"


@pytest.mark.parametrize("text", ["", "   ", "Atlantis", "Rukum", "x" * 10_000, "अज्ञात"])
def test_an_unknown_district_is_not_guessed(places, text):
    with pytest.raises(UnknownDistrict):
        require_district(text)


def test_an_unknown_district_is_reported_with_similar_ones(places):
    with pytest.raises(UnknownDistrict, match=r"“Dhadingg” is not a district of Nepal\. Similar: Dhading"):
        require_district("Dhadingg")
    with pytest.raises(UnknownDistrict, match=r"^“Atlantis” is not a district of Nepal\.$"):
        require_district("Atlantis")
    with pytest.raises(UnknownDistrict, match="at most 100 characters"):
        require_district("x" * 10_000)


def test_no_spelling_names_two_districts(places):
    names = [
        key
        for row in District.objects.all()
        for key in {place_key(name) for name in (row.name_en, row.name_ne, *row.aliases)}
    ]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("दाङ", "510"),
        ("डांग", "510"),
        ("दाङ्ग", "510"),
        ("दाङ देउखुरी", "510"),
        ("झापा जिल्ला", "111"),
        ("Jhapa District", "111"),
        ("Jhapa Dist.", "111"),
        ("Jhapa-5", "111"),
        ("झापा, वडा नं. ५", "111"),
        ("काठमाडौं", "306"),
        ("काभ्रे", "309"),
        ("मोरंग", "112"),
        ("लम्जुङ", "406"),
        ("लमजुङ", "406"),
        ("डडेलधुरा", "705"),
        ("सिंधुली", "311"),
        ("नवलपुर", "408"),
        ("Nawalparasi (East)", "408"),
        ("रुकुम पश्चिम", "608"),
        ("\u200bझा\u200dपा", "111"),
    ],
)
def test_a_district_is_found_as_people_write_it(places, text, code):
    assert require_district(text).code == code


def test_each_district_is_found_by_its_own_names_with_district_and_ward(places):
    for row in District.objects.all():
        for name in (row.name_en, row.name_ne, *row.aliases):
            for written in (f"{name} District", f"{name} जिल्ला", f"{name}-5", f"{name} वडा नं. ५"):
                assert require_district(written) == row, written


def test_dang_and_two_more_are_spelt_as_nepal_spells_them(places):
    spelt = District.objects.filter(code__in=["406", "510", "705"]).order_by("code")
    assert [row.name_ne for row in spelt] == ["लमजुङ", "दाङ", "डडेल्धुरा"]


@pytest.mark.parametrize(
    ("text", "district", "name"),
    [
        ("Ghorahi Sub-Metropolitan City-5", "510", "Ghorahi"),
        ("घोराही उपमहानगरपालिका वडा नं. ५", "510", "Ghorahi"),
        ("घोराहि", "510", "Ghorahi"),
        ("Rapti Sonari RM", "511", "Rapti Sonari"),
        ("Ward no. 3, Melauli Municipality", "704", "Melauli"),
        ("पोखरा म.न.पा.–३", "405", "Pokhara"),
        ("माछापुच्छ्रे गाउँपालिका", "405", "Machhapuchchhre"),
    ],
)
def test_a_municipality_is_found_as_people_write_it(places, text, district, name):
    found = require_local_level(text, District.objects.get(code=district))
    assert (found.name_en, found.district.code) == (name, district)


def test_an_unknown_municipality_is_reported_with_similar_ones(places):
    lamjung = District.objects.get(code="406")
    with pytest.raises(
        UnknownLocalLevel,
        match=r"^“Rainass” is not a municipality of Lamjung\. Similar: Rainas \(Lamjung\)\.$",
    ):
        require_local_level("Rainass", lamjung)
    with pytest.raises(
        UnknownLocalLevel, match=r"“Melauli” is not a municipality of Lamjung\. Similar: Melauli"
    ):
        require_local_level("Melauli", lamjung)  # it lies in another district
    with pytest.raises(UnknownLocalLevel, match=r"^“Atlantis” is not a municipality of Lamjung\.$"):
        require_local_level("Atlantis", lamjung)
    with pytest.raises(
        UnknownLocalLevel, match=r"“Melauly” is not a municipality of Nepal\. Similar: Melauli"
    ):
        require_local_level("Melauly")
    with pytest.raises(UnknownLocalLevel, match=r"There are several with that name: .*Kalika \(Chitwan\)"):
        require_local_level("Kalika")
    assert require_local_level("Kalika Municipality").district.name_en == "Chitwan"


def test_no_spelling_names_two_places_of_one_district(places):
    for row in District.objects.all():
        keys = [
            key
            for level in row.local_levels.all()
            for key in {place_key(name) for name in (level.name_en, level.name_ne, *level.aliases) if name}
        ]
        assert len(keys) == len(set(keys)), row.name_en


@pytest.mark.parametrize(
    ("text", "ward"),
    [
        ("Kalika-5", 5),
        ("कालिका वडा नं. १२", 12),
        ("Kalika Municipality Ward No.7", 7),
        ("Kalika 0", None),
        ("Kalika", None),
        ("Kalika 1995", None),
    ],
)
def test_the_ward_after_a_name(text, ward):
    assert ward_beside(text)[1] == ward


def test_a_ward_is_named_once():
    assert with_ward("", 5) == "Ward 5"
    assert with_ward("Old Bazaar", 5) == "Ward 5, Old Bazaar"
    assert with_ward("वडा नं. ५, थुम्पाखर", 5) == "वडा नं. ५, थुम्पाखर"
    assert with_ward("Tole 15", 5) == "Ward 5, Tole 15"
    assert with_ward("Old Bazaar", None) == "Old Bazaar"


@pytest.mark.parametrize("sign", ["-", ",", " ", "(", "."])
def test_a_text_too_long_for_a_place_is_not_searched(sign):
    """Twenty thousand signs in a row took nine seconds."""
    text = f"a{sign * 20_000}5"
    begun = time.process_time()
    assert ward_beside(text)[1] is None
    assert place_key(text) in ("a", "a5")
    assert time.process_time() - begun < 1
