"""Finding a place by what somebody wrote."""

import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches

from django.utils.translation import gettext as _

from geography.models import District, LocalLevel

LONGEST_NAME = 100
_JOINERS = str.maketrans("", "", "\u200b\u200c\u200d\ufeff")


class UnknownDistrict(ValueError):
    """No district has this name; the message is for people and names the nearest ones."""


def folded(text: str) -> str:
    """One form for spellings that differ in case, spaces or invisible joiners only."""
    return "".join(unicodedata.normalize("NFC", text).translate(_JOINERS).casefold().split())


def _districts_by_name(districts: Iterable[District]) -> dict[str, District]:
    return {
        folded(name): district
        for district in districts
        for name in (district.name_en, district.name_ne, *district.aliases)
        if name
    }


def find_district(text: str) -> District | None:
    """The district with this English or Nepali name or known spelling; None where there is none."""
    if len(text) > LONGEST_NAME:
        return None
    return _districts_by_name(District.objects.all()).get(folded(text))


def require_district(text: str) -> District:
    """The district with this name; `UnknownDistrict` says what was asked and what comes near."""
    shown = text.strip()
    if len(shown) > LONGEST_NAME:
        raise UnknownDistrict(
            _("The name of a district has at most %(most)s characters.") % {"most": LONGEST_NAME}
        )
    by_name = _districts_by_name(District.objects.all())
    found = by_name.get(folded(shown))
    if found is not None:
        return found
    near = dict.fromkeys(by_name[key].name for key in get_close_matches(folded(shown), by_name, n=3))
    if near:
        raise UnknownDistrict(
            _("“%(name)s” is not a district of Nepal. Near it: %(near)s.")
            % {"name": shown, "near": ", ".join(near)}
        )
    raise UnknownDistrict(_("“%(name)s” is not a district of Nepal.") % {"name": shown})


def find_local_levels(text: str, district: District | None = None) -> list[LocalLevel]:
    """Local levels with this name or known spelling, in one district or in all of Nepal."""
    if len(text) > LONGEST_NAME or not text.strip():
        return []
    levels = LocalLevel.objects.filter(district=district) if district else LocalLevel.objects.all()
    wanted = folded(text)
    return [
        level
        for level in levels
        if wanted in {folded(name) for name in (level.name_en, level.name_ne, *level.aliases) if name}
    ]
