"""Finding a place by its written name."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from django.utils.translation import gettext as _

from core import names
from geography.models import District, LocalLevel
from geography.spelling import kind_named, place_key

LONGEST_NAME = 100
MOST_NEAR = 3


class UnknownDistrict(ValueError):
    """No district has this name; the message is for the user and suggests similar ones."""


class UnknownLocalLevel(ValueError):
    """No municipality has this name, or several have; the message is for the user and suggests similar ones."""


def require_district(text: str) -> District:
    """Return the district with this name or known spelling, in either script. Raises UnknownDistrict."""
    shown = names.tidy(text)
    if len(shown) > LONGEST_NAME:
        raise UnknownDistrict(
            _("The name of a district has at most %(most)s characters.") % {"most": LONGEST_NAME}
        )
    by_key = _by_key(District.objects.all())
    found = by_key.get(place_key(shown))
    if found:
        return found[0]
    near = [district.name for district in _near(shown, by_key)]
    if near:
        raise UnknownDistrict(
            _("“%(name)s” is not a district of Nepal. Similar: %(near)s.")
            % {"name": shown, "near": ", ".join(near)}
        )
    raise UnknownDistrict(_("“%(name)s” is not a district of Nepal.") % {"name": shown})


def require_local_level(text: str, district: District | None = None) -> LocalLevel:
    """Return the one local level with this name, in a district or in all of Nepal. Raises UnknownLocalLevel."""
    shown = names.tidy(text)
    found = find_local_levels(shown, district)
    if len(found) == 1:
        return found[0]
    if found:
        raise UnknownLocalLevel(
            _("There are several with that name: give the district too. %(near)s.")
            % {"near": ", ".join(_with_district(level) for level in found)}
        )
    if len(shown) > LONGEST_NAME:
        raise UnknownLocalLevel(
            _("The name of a municipality has at most %(most)s characters.") % {"most": LONGEST_NAME}
        )
    near = (
        _near(shown, _by_key(_local_levels(district)))
        or ([*find_local_levels(shown), *_near(shown, _by_key(_local_levels(None)))][:MOST_NEAR])
    )
    words = {"name": shown, "near": ", ".join(dict.fromkeys(_with_district(level) for level in near))}
    if district:
        words["where"] = district.name
    if district and near:
        raise UnknownLocalLevel(
            _("“%(name)s” is not a municipality of %(where)s. Similar: %(near)s.") % words
        )
    if district:
        raise UnknownLocalLevel(_("“%(name)s” is not a municipality of %(where)s.") % words)
    if near:
        raise UnknownLocalLevel(_("“%(name)s” is not a municipality of Nepal. Similar: %(near)s.") % words)
    raise UnknownLocalLevel(_("“%(name)s” is not a municipality of Nepal.") % words)


def find_local_levels(text: str, district: District | None = None) -> list[LocalLevel]:
    """Return the local levels with this name or known spelling, in a district or in all of Nepal.

    If several have the name, a kind that is written beside it decides between them.
    """
    if len(text) > LONGEST_NAME:
        return []
    found = _by_key(_local_levels(district)).get(place_key(text), [])
    kind = kind_named(text)
    return [level for level in found if level.kind == kind] or found if len(found) > 1 else found


def _local_levels(district: District | None) -> Iterable[LocalLevel]:
    levels = LocalLevel.objects.select_related("district")
    return levels.filter(district=district) if district else levels


def _with_district(level: LocalLevel) -> str:
    return f"{level.name} ({level.district.name})"


def _by_key(places: Iterable[Any]) -> dict[str, list[Any]]:
    """Return the places by the search key of each of their known spellings."""
    found: dict[str, list[Any]] = {}
    for place in places:
        spellings: list[str] = [place.name_en, place.name_ne, *place.aliases]
        for key in {place_key(name) for name in spellings if name}:
            found.setdefault(key, []).append(place)
    return found


def _near(text: str, by_key: dict[str, list[Any]]) -> list[Any]:
    """Return the places with the most similar spellings, the most similar first, each once."""
    keys = get_close_matches(place_key(text), by_key, n=2 * MOST_NEAR, cutoff=0.7)
    return list(dict.fromkeys(place for key in keys for place in by_key[key]))[:MOST_NEAR]
