"""Criteria in a programme file, checked against the known facts."""

from collections.abc import Mapping
from typing import Any

import yaml

from projects.facts import FACTS
from projects.programme_files.document import (
    Reader,
    choice,
    code,
    described,
    fail,
    keys,
    listing,
    number,
    quoted,
    text,
    truth,
)
from projects.rules import OPERATORS

SOURCES = ("brief", "public", "ours")


def criteria(node: yaml.Node) -> dict[str, Any]:
    """Return a tree of criteria, checked against the known facts."""
    labels: dict[str, Reader] = {
        "code": code(60),
        "label_en": text(300),
        "label_ne": text(300),
        "source": choice("a source", SOURCES),
    }
    known = (*labels, "all", "any", "fact", *OPERATORS)
    nodes = keys(node, known, (), "a criterion")
    asks = [key for key in ("all", "any", "fact") if key in nodes]
    if len(asks) != 1:
        fail(node, "one of all, any, fact", " and ".join(asks) or "none of them")
    own = {key: labels[key](child) for key, child in nodes.items() if key in labels}
    operators = [key for key in OPERATORS if key in nodes]
    if asks == ["fact"]:
        return own | _leaf(node, nodes, operators)
    if operators:
        fail(nodes[operators[0]], f"no comparison beside {quoted(asks[0])}", quoted(operators[0]))
    below = nodes[asks[0]]
    if not isinstance(below, yaml.SequenceNode) or not below.value:
        fail(below, "a list of criteria", described(below))
    return own | {asks[0]: [criteria(child) for child in below.value]}


def _leaf(node: yaml.Node, nodes: Mapping[str, yaml.Node], operators: list[str]) -> dict[str, Any]:
    fact = FACTS[choice("a fact", list(FACTS))(nodes["fact"])]
    fitting = [operator for operator, kind in OPERATORS.items() if kind == fact.kind]
    if len(operators) != 1 or operators[0] not in fitting:
        place = nodes[operators[0]] if operators else node
        fail(
            place, f"one of {', '.join(fitting)} for {fact.name}", " and ".join(operators) or "no comparison"
        )
    codes = listing(choice(f"a code of {fact.name}", fact.choices), f"codes of {fact.name}")
    operand = {
        "yes_no": truth,
        "number": number("a whole number", 0, 150),
        "choice": codes,
        "set": codes,
    }[fact.kind](nodes[operators[0]])
    return {"fact": fact.name, operators[0]: list(operand) if isinstance(operand, tuple) else operand}
