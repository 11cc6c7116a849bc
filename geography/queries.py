"""Finding a place by its written name."""

from collections.abc import Iterable
from difflib import get_close_matches
from functools import cached_property
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from core import names
from geography.models import District, LocalLevel
from geography.spelling import kind_named, place_key

LONGEST_NAME = 100
MOST_NEAR = 3
MOST_SEARCHES = 200  # for similar names: one among all municipalities takes up to 80 ms


class UnknownDistrict(ValueError):
    """No district has this name; the message is for the user and suggests similar ones."""


class UnknownLocalLevel(ValueError):
    """No municipality has this name, or several have; the message is for the user and suggests similar ones."""


class PlaceNames:
    """Districts and local levels by the search keys of their spellings. An import reads them once for all rows."""

    def __init__(self) -> None:
        self._local_levels: dict[UUID | None, dict[str, list[LocalLevel]]] = {}
        self._searches = 0

    @cached_property
    def districts(self) -> dict[str, list[District]]:
        """All districts."""
        return _by_key(District.objects.all())

    def local_levels(self, district: District | None = None) -> dict[str, list[LocalLevel]]:
        """Return the local levels of a district, or of all of Nepal."""
        key = district.pk if district else None
        if key not in self._local_levels:
            levels = LocalLevel.objects.select_related("district")
            self._local_levels[key] = _by_key(levels.filter(district=district) if district else levels)
        return self._local_levels[key]

    def near(self, text: str, by_key: dict[str, list[Any]]) -> list[Any]:
        """Return the places with the most similar spellings, the most similar first, each once.

        After `MOST_SEARCHES` it returns none: a file can have thousands of unknown names.
        """
        self._searches += 1
        if self._searches > MOST_SEARCHES:
            return []
        keys = get_close_matches(place_key(text), by_key, n=2 * MOST_NEAR, cutoff=0.7)
        return list(dict.fromkeys(place for key in keys for place in by_key[key]))[:MOST_NEAR]


def require_district(text: str, places: PlaceNames | None = None) -> District:
    """Return the district with this name or known spelling, in either script. Raises UnknownDistrict."""
    places = places or PlaceNames()
    shown = names.tidy(text)
    if len(shown) > LONGEST_NAME:
        raise UnknownDistrict(
            _("The name of a district has at most %(most)s characters.") % {"most": LONGEST_NAME}
        )
    found = places.districts.get(place_key(shown))
    if found:
        return found[0]
    near = [district.name for district in places.near(shown, places.districts)]
    if near:
        raise UnknownDistrict(
            _("“%(name)s” is not a district of Nepal. Similar: %(near)s.")
            % {"name": shown, "near": ", ".join(near)}
        )
    raise UnknownDistrict(_("“%(name)s” is not a district of Nepal.") % {"name": shown})


def require_local_level(
    text: str, district: District | None = None, places: PlaceNames | None = None
) -> LocalLevel:
    """Return the one local level with this name, in a district or in all of Nepal. Raises UnknownLocalLevel."""
    places = places or PlaceNames()
    shown = names.tidy(text)
    found = _named(shown, places.local_levels(district))
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
    near = places.near(shown, places.local_levels(district))
    if not near:
        everywhere = places.local_levels()
        near = [*_named(shown, everywhere), *places.near(shown, everywhere)][:MOST_NEAR]
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


def _named(text: str, by_key: dict[str, list[LocalLevel]]) -> list[LocalLevel]:
    """Return the local levels with this name or known spelling.

    If several have the name, a kind that is written beside it decides between them.
    """
    if len(text) > LONGEST_NAME:
        return []
    found = by_key.get(place_key(text), [])
    kind = kind_named(text)
    return [level for level in found if level.kind == kind] or found if len(found) > 1 else found


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
