"""Readers of the parts of a programme file."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import yaml

from projects.choices import FollowUpKind, FollowUpStart, PartnerKind, ServiceAbout, TargetGroup, Unit
from projects.facts import COUNTRIES, DISTRICTS, FACTS
from projects.programme_files.document import Document, Reader, described, quoted, value_of
from projects.programme_files.entries import (
    AdmissionAsk,
    BudgetLineEntry,
    DonorEntry,
    FollowUpEntry,
    GrantEntry,
    IndicatorEntry,
    PartnerEntry,
    Period,
    ServiceEntry,
)
from projects.rules import OPERATORS

SOURCES = ("brief", "public", "ours")
# Donors are listed under `donors`.
PARTNER_KINDS = [kind.value for kind in PartnerKind if kind is not PartnerKind.DONOR]
MOST_NPR = 9_999_999_999  # ten digits


def criteria(document: Document, node: yaml.Node) -> dict[str, Any]:
    """Return a tree of criteria, checked against the known facts."""
    labels: dict[str, Reader] = {
        "code": document.code(60),
        "label_en": document.text(300),
        "label_ne": document.text(300),
        "source": document.choice("a source", SOURCES),
    }
    known = (*labels, "all", "any", "fact", *OPERATORS)
    nodes = document.keys(node, known, (), "a criterion")
    asks = [key for key in ("all", "any", "fact") if key in nodes]
    if len(asks) != 1:
        document.fail(node, "one of all, any, fact", " and ".join(asks) or "none of them")
    own = {key: labels[key](child) for key, child in nodes.items() if key in labels}
    operators = [key for key in OPERATORS if key in nodes]
    if asks == ["fact"]:
        return own | _leaf(document, node, nodes, operators)
    if operators:
        document.fail(nodes[operators[0]], f"no comparison beside {quoted(asks[0])}", quoted(operators[0]))
    below = nodes[asks[0]]
    if not isinstance(below, yaml.SequenceNode) or not below.value:
        document.fail(below, "a list of criteria", described(below))
    return own | {asks[0]: [criteria(document, child) for child in below.value]}


def _leaf(
    document: Document, node: yaml.Node, nodes: Mapping[str, yaml.Node], operators: list[str]
) -> dict[str, Any]:
    fact = FACTS[document.choice("a fact", list(FACTS))(nodes["fact"])]
    fitting = [operator for operator, kind in OPERATORS.items() if kind == fact.kind]
    if len(operators) != 1 or operators[0] not in fitting:
        place = nodes[operators[0]] if operators else node
        document.fail(
            place, f"one of {', '.join(fitting)} for {fact.name}", " and ".join(operators) or "no comparison"
        )
    codes = document.listing(document.choice(f"a code of {fact.name}", fact.choices), f"codes of {fact.name}")
    operand = {
        "yes_no": document.truth,
        "number": document.number("a whole number", 0, 150),
        "choice": codes,
        "set": codes,
    }[fact.kind](nodes[operators[0]])
    return {"fact": fact.name, operators[0]: list(operand) if isinstance(operand, tuple) else operand}


def _period(document: Document, node: yaml.Node) -> Period:
    period = document.record(Period, "the period", {"starts_on": document.day, "ends_on": document.day})(node)
    if period.ends_on < period.starts_on:
        document.fail(value_of(node, "ends_on"), f"a day on or after {period.starts_on}", str(period.ends_on))
    return period


def _indicator(document: Document, node: yaml.Node) -> IndicatorEntry:
    entry = document.record(
        IndicatorEntry,
        "an indicator",
        {
            "key": document.code(60),
            "label_en": document.text(300),
            "label_ne": document.text(300),
            "unit": document.choice("a unit", Unit.values),
            "target": document.number("a target", 1, MOST_NPR),
            "source": document.choice("a source", SOURCES),
        },
    )(node)
    if entry.unit == Unit.PERCENT and entry.target is not None and entry.target > 100:
        document.fail(value_of(node, "target"), "a target of at most 100 per cent", str(entry.target))
    return entry


def _partner_readers(document: Document) -> dict[str, Reader]:
    return {
        "kind": document.choice("a kind of partner", PARTNER_KINDS),
        "does_en": document.text(400),
        "does_ne": document.text(400),
        "source": document.choice("a source", SOURCES),
        "services": document.listing(document.code(), "services"),
    }


def _entry_readers(document: Document) -> dict[str, Reader]:
    """Return readers of the lists whose items have a code and two names."""
    source = document.choice("a source", SOURCES)
    amount = document.number("an amount in whole NPR", 1, MOST_NPR)
    names: dict[str, Reader] = {
        "code": document.code(),
        "name_en": document.text(200),
        "name_ne": document.text(200),
    }
    partner = names | _partner_readers(document)
    about = document.choice("what a service is about", ServiceAbout.values)
    service = names | {"about": about, "source": source, "ceiling_npr": amount}
    line = names | {"amount_npr": amount, "source": source, "pays_grants": document.truth}
    return {
        "donors": document.listing(document.record(DonorEntry, "a donor", names), "donors", key="code"),
        "partners": document.listing(
            document.record(PartnerEntry, "a partner", partner), "partners", key="code"
        ),
        "services": document.listing(
            document.record(ServiceEntry, "a service", service), "services", key="code"
        ),
        "budget_lines": document.listing(
            document.record(BudgetLineEntry, "a budget line", line), "budget lines", key="code"
        ),
    }


def _grant_readers(document: Document) -> dict[str, Reader]:
    return {
        "ceiling_npr": document.number("an amount in whole NPR", 1, MOST_NPR),
        "service": document.code(),
        "source": document.choice("a source", SOURCES),
        "instalments_max": document.number("instalments", 1, 24),
    }


def _promise_readers(document: Document) -> dict[str, Reader]:
    """Return readers of criteria, admission questions, indicators, follow-ups and the grant."""
    source, label = document.choice("a source", SOURCES), document.text(200)
    labels: dict[str, Reader] = {
        "code": document.code(),
        "label_en": label,
        "label_ne": label,
        "source": source,
    }
    ask = document.record(
        AdmissionAsk, "a question at admission", labels | {"applies_to": partial(criteria, document)}
    )
    follow_up = labels | {
        "kind": document.choice("a kind of follow-up", FollowUpKind.values),
        "starts": document.choice("a start", FollowUpStart.values),
        "after_days": document.number("days", 0, 3650),
    }
    due = document.record(FollowUpEntry, "a follow-up", follow_up)
    return {
        "criteria": partial(criteria, document),
        "admission_asks": document.listing(ask, "questions at admission", empty=True, key="code"),
        "indicators": document.listing(partial(_indicator, document), "indicators", key="key"),
        "follow_ups": document.listing(due, "follow-ups", empty=True, key="code"),
        "grant": document.record(GrantEntry, "the grant", _grant_readers(document)),
    }


def programme_readers(document: Document) -> dict[str, Reader]:
    """Return a reader for each key of a programme."""
    country = document.choice("a country (ISO 3166 alpha-2)", COUNTRIES)
    return {
        "code": document.code(),
        "name_en": document.text(300),
        "name_ne": document.text(300),
        "summary_en": document.text(4000),
        "summary_ne": document.text(4000),
        "period": partial(_period, document),
        "phase_of": document.code(),
        "is_demo": document.truth,
        "countries": document.listing(country, "countries"),
        "districts": document.listing(document.choice("a district code", DISTRICTS), "districts", empty=True),
        "target_groups": document.listing(
            document.choice("a target group", TargetGroup.values), "target groups"
        ),
        **_entry_readers(document),
        **_promise_readers(document),
    }
