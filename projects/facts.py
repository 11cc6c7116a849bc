"""The facts that criteria may name: their kinds, and questions for facts that a caseworker asks about."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

from django.utils.functional import lazy
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from projects.choices import TargetGroup

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

Kind = Literal["yes_no", "number", "choice", "set"]


@dataclass(frozen=True)
class Fact:
    """One fact about a beneficiary. `choices` maps the codes of a choice or a set to labels.

    Facts with a `question` are asked at screening; the others come from the case file and consents.
    """

    name: str
    kind: Kind
    label: "StrOrPromise"
    question: "StrOrPromise" = ""
    choices: Mapping[str, "StrOrPromise"] = field(default_factory=dict)

    @property
    def asked(self) -> bool:
        """Whether a caseworker asks about it."""
        return bool(self.question)


def _in_language(name_en: str, name_ne: str) -> str:
    return name_ne if get_language() == "ne" and name_ne else name_en


_place_name = lazy(_in_language, str)


def _places(file: str) -> list[dict]:
    loaded = json.loads((files("geography") / "data" / file).read_text(encoding="utf-8"))
    return loaded["districts"] if isinstance(loaded, dict) else loaded


DISTRICTS: Mapping[str, "StrOrPromise"] = {
    row["code"]: _place_name(row["name_en"], row["name_ne"]) for row in _places("nepal_admin.json")
}
COUNTRIES: Mapping[str, "StrOrPromise"] = {
    row["alpha2"]: _place_name(row["name_en"], row["name_ne"]) for row in _places("countries.json")
}
SEXES: Mapping[str, "StrOrPromise"] = {"female": _("Female"), "male": _("Male"), "other": _("Other")}
GROUPS: Mapping[str, "StrOrPromise"] = {group.value: group.label for group in TargetGroup}

_DERIVED = [
    Fact("age", "number", _("Age in whole years")),
    Fact("sex", "choice", _("Sex"), choices=SEXES),
    Fact("groups", "set", _("Situation"), choices=GROUPS),
    Fact("districts", "set", _("Home or current district"), choices=DISTRICTS),
    Fact("country_of_stay", "choice", _("Country of stay"), choices=COUNTRIES),
    Fact("research_consent", "yes_no", _("Consents to research")),
]
_ASKED = [
    Fact("is_nepali", "yes_no", _("Is Nepali"), _("Is the person a citizen of Nepal, or Nepali by origin?")),
    Fact("resident_in_nepal", "yes_no", _("Lives in Nepal"), _("Does the person live in Nepal?")),
    Fact(
        "is_migrant_worker",
        "yes_no",
        _("Is a migrant worker"),
        _("Did the person go abroad for work, or work abroad?"),
    ),
    Fact(
        "stranded_or_exploited",
        "yes_no",
        _("Is stranded or exploited abroad"),
        _("Is the person stranded abroad, or exploited there?"),
    ),
    Fact(
        "abused_exploited_or_trafficked",
        "yes_no",
        _("Suffered abuse, exploitation or trafficking"),
        _("Has the person suffered abuse, exploitation or trafficking?"),
    ),
    Fact(
        "stranded_at_destination",
        "yes_no",
        _("Is stranded at the destination"),
        _("Is the person stranded in the country they went to?"),
    ),
    Fact(
        "cannot_regularise_status",
        "yes_no",
        _("Has no way to make their stay legal"),
        _("Is the person blocked from making their stay legal in the country where they live?"),
    ),
    Fact(
        "cannot_get_assistance",
        "yes_no",
        _("Is without access to assistance there"),
        _("Is the person without access to assistance in the country they went to?"),
    ),
    Fact(
        "lacks_money_to_return",
        "yes_no",
        _("Is short of money for the journey home"),
        _("Is the person short of money for the journey home?"),
    ),
    Fact(
        "lacks_travel_documents",
        "yes_no",
        _("Is missing travel documents"),
        _("Is the person missing documents that are needed to move to another country?"),
    ),
    Fact(
        "willing_to_return",
        "yes_no",
        _("Wants to return"),
        _("Does the person want to return to Nepal, of their own free will?"),
    ),
    Fact(
        "willing_to_take_part",
        "yes_no",
        _("Wants to take part"),
        _("Does the person want to take part in the programme?"),
    ),
    Fact(
        "recommended_by_partner",
        "yes_no",
        _("Recommended by a partner NGO"),
        _("Does a partner NGO recommend the person?"),
    ),
    Fact(
        "wants_enterprise",
        "yes_no",
        _("Wants an enterprise"),
        _("Does the person want to set up an enterprise of their own?"),
    ),
    Fact(
        "wants_training", "yes_no", _("Wants training"), _("Does the person want to be trained in a skill?")
    ),
    Fact(
        "is_vulnerable",
        "yes_no",
        _("Is in a vulnerable situation"),
        _("Is the person in a situation that puts them at risk?"),
    ),
]

FACTS: Mapping[str, Fact] = {fact.name: fact for fact in (*_DERIVED, *_ASKED)}
