"""Eligibility: a tree of criteria over named facts, with three answers.

A node is `{"all": [...]}`, `{"any": [...]}` or a leaf `{"fact": name, operator: operand}`, each with an optional
`code`, `label_en`, `label_ne` and `source`. The logic is Kleene's: the answer stays unknown as long as an unknown
fact could still change it.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from projects.facts import FACTS, Fact

# The operators of a leaf, and the kind of fact that each compares.
OPERATORS: Mapping[str, str] = {
    "is": "yes_no",
    "in": "choice",
    "has_any": "set",
    "at_least": "number",
    "below": "number",
}


class Answer(StrEnum):
    """The answer of a node."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class MalformedCriteria(ValueError):
    """The tree isn't valid; programme files with such a tree are refused."""


class MistypedFact(TypeError):
    """The value of a fact isn't of its kind."""


@dataclass(frozen=True)
class Reason:
    """Why a node has its answer: a code that never changes, and its parameters."""

    code: str
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Result:
    """The answer of one node on a day, with its children. Stored as JSON and never assessed again."""

    code: str
    label_en: str
    label_ne: str
    answer: Answer
    reason: Reason
    on: date
    children: tuple["Result", ...] = ()

    @property
    def label(self) -> str:
        """What the node asks, in the language of the page."""
        own = self.label_ne if get_language() == "ne" and self.label_ne else self.label_en
        if own or self.children:
            return own
        return str(FACTS[self.reason.params["fact"]].label)

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON; only the top node has the day."""
        return {"on": self.on.isoformat(), **self._node_json()}

    def _node_json(self) -> dict[str, Any]:
        params = {key: list(v) if isinstance(v, tuple) else v for key, v in self.reason.params.items()}
        return {
            "code": self.code,
            "label_en": self.label_en,
            "label_ne": self.label_ne,
            "answer": self.answer.value,
            "reason": {"code": self.reason.code, "params": params},
            "children": [child._node_json() for child in self.children],
        }


def conjunction(answers: Iterable[Answer]) -> Answer:
    """Return no if any answer is no, else unknown if any is unknown, else yes."""
    seen = set(answers)
    if Answer.NO in seen:
        return Answer.NO
    return Answer.UNKNOWN if Answer.UNKNOWN in seen else Answer.YES


def disjunction(answers: Iterable[Answer]) -> Answer:
    """Return yes if any answer is yes, else unknown if any is unknown, else no."""
    seen = set(answers)
    if Answer.YES in seen:
        return Answer.YES
    return Answer.UNKNOWN if Answer.UNKNOWN in seen else Answer.NO


def assess(facts: Mapping[str, object], criteria: Mapping[str, Any], on: date) -> Result:
    """Assess the facts about a beneficiary on a day by the criteria.

    A fact that is missing or None is unknown. None as a member of a set means that the set may be incomplete: a code
    that isn't found in it is unknown. Raises MalformedCriteria and MistypedFact.
    """
    children: tuple[Result, ...] = ()
    if "all" in criteria or "any" in criteria:
        operator = "all" if "all" in criteria else "any"
        children = tuple(assess(facts, child, on) for child in criteria[operator])
        answer, reason = _assess_group(operator, [child.answer for child in children])
    else:
        answer, reason = _assess_leaf(facts, criteria)
    return Result(
        code=criteria.get("code", ""),
        label_en=criteria.get("label_en", ""),
        label_ne=criteria.get("label_ne", ""),
        answer=answer,
        reason=reason,
        on=on,
        children=children,
    )


def _assess_group(operator: str, answers: list[Answer]) -> tuple[Answer, Reason]:
    if not answers:
        raise MalformedCriteria(f"'{operator}' has nothing below it")
    answer = (conjunction if operator == "all" else disjunction)(answers)
    return answer, Reason(f"{operator}_{answer}", {"count": answers.count(answer), "of": len(answers)})


def _assess_leaf(facts: Mapping[str, object], leaf: Mapping[str, Any]) -> tuple[Answer, Reason]:
    fact, operator, operand = _read_leaf(leaf)
    value = facts.get(fact.name)
    if value is None:
        return Answer.UNKNOWN, Reason("fact_unknown", {"fact": fact.name})
    if not _is_kind(fact, value):
        raise MistypedFact(f"{fact.name} is a fact of kind {fact.kind}, given as {type(value).__name__}")
    return _COMPARE[operator](fact.name, value, operand)


def _read_leaf(leaf: Mapping[str, Any]) -> tuple[Fact, str, Any]:
    fact = FACTS.get(leaf.get("fact", ""))
    operators = [operator for operator in OPERATORS if operator in leaf]
    if fact is None or len(operators) != 1 or OPERATORS[operators[0]] != fact.kind:
        raise MalformedCriteria(f"no such comparison: {dict(leaf)!r}")
    return fact, operators[0], leaf[operators[0]]


def _is_kind(fact: Fact, value: object) -> bool:
    if fact.kind == "yes_no":
        return isinstance(value, bool)
    if fact.kind == "number":
        return isinstance(value, int) and not isinstance(value, bool)
    if fact.kind == "choice":
        return isinstance(value, str)
    return (
        isinstance(value, Collection)
        and not isinstance(value, str | Mapping)
        and all(member is None or isinstance(member, str) for member in value)
    )


def _compare_is(fact: str, value: bool, wanted: bool) -> tuple[Answer, Reason]:
    answer = Answer.YES if value is wanted else Answer.NO
    return answer, Reason("said_yes" if value else "said_no", {"fact": fact})


def _compare_in(fact: str, value: str, wanted: list[str]) -> tuple[Answer, Reason]:
    if value in wanted:
        return Answer.YES, Reason("is_one_of", {"fact": fact, "value": str(value)})
    return Answer.NO, Reason("is_none_of", {"fact": fact, "value": str(value), "wanted": tuple(wanted)})


def _compare_has_any(fact: str, value: Collection[str | None], wanted: list[str]) -> tuple[Answer, Reason]:
    found = tuple(code for code in wanted if code in value)
    if found:
        return Answer.YES, Reason("has_one_of", {"fact": fact, "found": found})
    if None in value:
        return Answer.UNKNOWN, Reason("fact_partly_unknown", {"fact": fact, "wanted": tuple(wanted)})
    return Answer.NO, Reason("has_none_of", {"fact": fact, "wanted": tuple(wanted)})


def _compare_at_least(fact: str, value: int, limit: int) -> tuple[Answer, Reason]:
    params = {"fact": fact, "value": value, "limit": limit}
    return (
        (Answer.YES, Reason("reaches", params)) if value >= limit else (Answer.NO, Reason("too_low", params))
    )


def _compare_below(fact: str, value: int, limit: int) -> tuple[Answer, Reason]:
    params = {"fact": fact, "value": value, "limit": limit}
    return (
        (Answer.YES, Reason("is_below", params)) if value < limit else (Answer.NO, Reason("too_high", params))
    )


_COMPARE: Mapping[str, Callable[[str, Any, Any], tuple[Answer, Reason]]] = {
    "is": _compare_is,
    "in": _compare_in,
    "has_any": _compare_has_any,
    "at_least": _compare_at_least,
    "below": _compare_below,
}


def _leaves(criteria: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    below = criteria.get("all") or criteria.get("any")
    if below is None:
        yield criteria
    else:
        for child in below:
            yield from _leaves(child)


def facts_named(criteria: Mapping[str, Any]) -> set[str]:
    """Return the names of all facts in the criteria."""
    return {leaf["fact"] for leaf in _leaves(criteria)}


def codes_named(criteria: Mapping[str, Any], fact: str) -> set[str]:
    """Return the codes (of countries, districts or groups) with which the criteria compare a fact."""
    leaves = [leaf for leaf in _leaves(criteria) if leaf["fact"] == fact]
    return {code for leaf in leaves for code in (*leaf.get("in", ()), *leaf.get("has_any", ()))}


def unknown_facts(result: Result) -> list[str]:
    """Return unknown facts that could change an unknown answer, in the order of the tree; else an empty list."""
    if result.answer is not Answer.UNKNOWN:
        return []
    if not result.children:
        return [result.reason.params["fact"]]
    return list(dict.fromkeys(fact for child in result.children for fact in unknown_facts(child)))


def digest(criteria: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the criteria as canonical JSON, which the order of keys doesn't change."""
    canonical = json.dumps(criteria, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def reason_text(result: Result) -> str:
    """Return the reason as text, in the language of the page."""
    if result.children:
        return _group_text(result.reason)
    params = result.reason.params
    fact = FACTS[params["fact"]]
    words = {
        "label": fact.label,
        "value": _shown(fact, params.get("value")),
        "limit": params.get("limit"),
        "found": _listed(fact, params.get("found", ())),
        "wanted": _listed(fact, params.get("wanted", ())),
    }
    return _leaf_template(result.reason.code) % words


def _shown(fact: Fact, value: Any) -> str:
    return str(fact.choices.get(value, value)) if isinstance(value, str) else str(value)


def _listed(fact: Fact, codes: Iterable[str]) -> str:
    return ", ".join(_shown(fact, code) for code in codes)


def _leaf_template(code: str) -> str:
    return {
        "fact_unknown": _("%(label)s: not known yet."),
        "fact_partly_unknown": _("%(label)s: not all is known yet. It must be one of: %(wanted)s."),
        "said_yes": _("%(label)s: yes."),
        "said_no": _("%(label)s: no."),
        "is_one_of": _("%(label)s: %(value)s."),
        "is_none_of": _("%(label)s: %(value)s. It must be one of: %(wanted)s."),
        "has_one_of": _("%(label)s: %(found)s."),
        "has_none_of": _("%(label)s: none of these: %(wanted)s."),
        "reaches": _("%(label)s: %(value)s. It must be %(limit)s or more."),
        "too_low": _("%(label)s: %(value)s. It must be %(limit)s or more."),
        "is_below": _("%(label)s: %(value)s. It must be under %(limit)s."),
        "too_high": _("%(label)s: %(value)s. It must be under %(limit)s."),
    }[code]


def _group_text(reason: Reason) -> str:
    count, of = reason.params["count"], reason.params["of"]
    template = {
        "all_yes": ngettext("It is met.", "All %(of)s are met.", of),
        "all_no": ngettext("%(count)s of %(of)s is not met.", "%(count)s of %(of)s are not met.", count),
        "all_unknown": ngettext(
            "%(count)s of %(of)s is not known yet.", "%(count)s of %(of)s are not known yet.", count
        ),
        "any_yes": ngettext(
            "%(count)s of %(of)s is met; one is enough.", "%(count)s of %(of)s are met; one is enough.", count
        ),
        "any_no": ngettext("It is not met.", "None of the %(of)s is met; one is enough.", of),
        "any_unknown": ngettext(
            "None is met yet; %(count)s of %(of)s is not known.",
            "None is met yet; %(count)s of %(of)s are not known.",
            count,
        ),
    }[reason.code]
    return template % {"count": count, "of": of}
