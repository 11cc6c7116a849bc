"""Spellings of places: one search key for all spellings of a place, and the ward beside a name."""

import re
from functools import lru_cache

from django.utils.translation import gettext as _

from core import names

LONGEST = 200  # characters: nothing longer names a place, and the patterns below take long for a long text
_NUMBER = r"(?:no|number|num|नं|न|नम्बर)?[ .:#-]*([0-9०-९]{1,2})"
_WARD = r"(?:ward|wd|wada|वडा|वार्ड)"
_WARDS = (
    re.compile(rf"[ ,/(-]*\b{_WARD}[ .]*{_NUMBER}[ )]*$"),  # घोराही वडा नं. ५
    re.compile(rf"^{_WARD}[ .]*{_NUMBER}[ ,]+"),  # ward no 5, Ghorahi
    re.compile(r"[ ,/–—-]+([0-9०-९]{1,2})$"),  # Ghorahi-5
)
_DISTRICT = re.compile(r"(?<!\w)(?:district|dist\.?|zilla|jilla|जिल्ला)(?!\w)")
# The kinds of local levels, in full, abbreviated and in Devanagari; "." matches full stops, spaces, hyphens or nothing.
KINDS = {
    "sub_metropolitan": "sub.metropolitan city|sub.metropolitan|upa.maha.nagar.palika|उप.महा.नगर.पालिका|उ.म.न.पा.",
    "metropolitan": "metropolitan city|metropolitan|maha.nagar.palika|महा.नगर.पालिका|म.न.पा.",
    "rural_municipality": "rural municipality|r.m.|gaun?.palika|गाउँ.पालिका|गाउं.पालिका|गाँउ.पालिका|गा.पा.",
    "municipality": "municipality|nagar.palika|नगर.पालिका|न.पा.",
}
_KINDS = re.compile(
    "|".join(rf"(?P<{kind}>(?<!\S)(?:{words.replace('.', '[ .-]*')})(?!\w))" for kind, words in KINDS.items())
)
# Sounds that Devanagari writes in several ways: short and long i and u, ब and व, the three s, nasals, silent vowels.
_ALIKE = (
    *((long, short) for long, short in zip("ीूईऊवशषँ", "िुइउबससं", strict=True)),
    ("ङ्ग", "ङ"),
    ("ंग", "ङ"),
    *((nasal, "ं") for nasal in ("ङ्", "ञ्", "ण्", "न्")),
    *((f"म्{lips}", f"ं{lips}") for lips in "पफबभ"),
    ("्", ""),
)


def ward_beside(text: str) -> tuple[str, int | None]:
    """Return the name without ward and kind, case-folded, and the ward's number; None if there is none.

    A text longer than `LONGEST` is returned as it is, case-folded.
    """
    if len(text) > LONGEST:
        return names.key(text), None
    folded = _KINDS.sub(" ", _DISTRICT.sub(" ", names.key(text))).strip(" ,.")
    for pattern in _WARDS:
        found = pattern.search(folded)
        if found and int(found[1]):
            return (folded[: found.start()] + folded[found.end() :]).strip(" ,"), int(found[1])
    return folded, None


def with_ward(place: str, ward: int | None) -> str:
    """Return a place within a municipality together with the ward written beside the municipality's name."""
    if ward is None or ward in map(int, re.findall(r"\d+", place)):
        return place
    return ", ".join(filter(None, (_("Ward %(number)s") % {"number": ward}, place)))


def kind_named(text: str) -> str:
    """Return the kind of local level that is written beside a place; "" if there is none."""
    found = _KINDS.search(names.key(text))
    return (found and found.lastgroup) or ""


@lru_cache(maxsize=8192)
def place_key(text: str) -> str:
    """Return the search key of a place: without case, spaces, ward, "District" or "Municipality" in either script."""
    name, _ward = ward_beside(text)
    key = "".join(re.findall(r"[^\W_]|[\u0900-\u0903\u093a-\u094f]", name))
    for written, alike in _ALIKE:
        key = key.replace(written, alike)
    return key
