"""Criteria: three answers, what is still to be asked, and stored results."""

import json
from datetime import date

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from projects.choices import PartnerKind, TargetGroup
from projects.facts import FACTS
from projects.rules import (
    OPERATORS,
    Answer,
    MalformedCriteria,
    MistypedFact,
    assess,
    codes_named,
    conjunction,
    digest,
    disjunction,
    facts_named,
    reason_text,
    unknown_facts,
)

ON = date(2017, 5, 1)
YES, NO, UNKNOWN = Answer.YES, Answer.NO, Answer.UNKNOWN

NUMBERS = st.integers(0, 100)


def _values_of(name: str) -> st.SearchStrategy:
    """Known values of a fact; few codes, so that comparisons are true about as often as not."""
    fact = FACTS[name]
    codes = sorted(fact.choices)[:4]
    return {
        "yes_no": st.booleans(),
        "number": NUMBERS,
        "choice": st.sampled_from(codes or [""]),
        "set": st.frozensets(st.sampled_from(codes or [""])),
    }[fact.kind]


def _leaf(name: str) -> st.SearchStrategy:
    fact = FACTS[name]
    codes = st.lists(st.sampled_from(sorted(fact.choices)[:4] or [""]), min_size=1, max_size=3, unique=True)
    operands = {"is": st.booleans(), "in": codes, "has_any": codes, "at_least": NUMBERS, "below": NUMBERS}
    operators = [operator for operator, kind in OPERATORS.items() if kind == fact.kind]
    return st.sampled_from(operators).flatmap(
        lambda operator: st.fixed_dictionaries({"fact": st.just(name), operator: operands[operator]})
    )


LEAVES = st.sampled_from(sorted(FACTS)).flatmap(_leaf)
TREES = st.recursive(
    LEAVES,
    lambda below: st.builds(
        lambda together, children: {together: children},
        st.sampled_from(["all", "any"]),
        st.lists(below, min_size=1, max_size=4),
    ),
    max_leaves=12,
)
KNOWN_FACTS = st.fixed_dictionaries({name: _values_of(name) for name in FACTS})
ANSWERS = st.sampled_from(list(Answer))


@given(ANSWERS, ANSWERS, ANSWERS)
def test_kleenes_laws_are_kept(a, b, c):
    assert conjunction([a, b]) == conjunction([b, a])
    assert disjunction([a, b]) == disjunction([b, a])
    assert (
        conjunction([a, conjunction([b, c])])
        == conjunction([conjunction([a, b]), c])
        == conjunction([a, b, c])
    )
    assert (
        disjunction([a, disjunction([b, c])])
        == disjunction([disjunction([a, b]), c])
        == disjunction([a, b, c])
    )
    assert conjunction([a, disjunction([b, c])]) == disjunction([conjunction([a, b]), conjunction([a, c])])
    assert disjunction([a, conjunction([b, c])]) == conjunction([disjunction([a, b]), disjunction([a, c])])
    assert conjunction([a, disjunction([a, b])]) == a == disjunction([a, conjunction([a, b])])
    assert a == conjunction([a, a]) == disjunction([a, a])


def test_the_whole_truth_table():
    order = [YES, NO, UNKNOWN]
    assert [conjunction([a, b]) for a in order for b in order] == [
        YES,
        NO,
        UNKNOWN,
        NO,
        NO,
        NO,
        UNKNOWN,
        NO,
        UNKNOWN,
    ]
    assert [disjunction([a, b]) for a in order for b in order] == [
        YES,
        YES,
        YES,
        YES,
        NO,
        UNKNOWN,
        YES,
        UNKNOWN,
        UNKNOWN,
    ]


@given(TREES, KNOWN_FACTS, st.sets(st.sampled_from(sorted(FACTS))))
def test_another_known_fact_never_changes_a_yes_or_a_no(tree, known, hidden):
    before = assess({name: value for name, value in known.items() if name not in hidden}, tree, ON).answer
    after = assess(known, tree, ON).answer
    assert after is not UNKNOWN
    assert before in (after, UNKNOWN)


@given(TREES, KNOWN_FACTS, st.sets(st.sampled_from(sorted(FACTS))))
def test_filling_in_the_unknown_facts_decides_the_answer(tree, known, hidden):
    facts = {name: value for name, value in known.items() if name not in hidden}
    open_facts = unknown_facts(assess(facts, tree, ON))
    assert set(open_facts) <= hidden & facts_named(tree)
    filled = facts | {name: known[name] for name in open_facts}
    assert assess(filled, tree, ON).answer == assess(known, tree, ON).answer


@given(TREES, KNOWN_FACTS, st.sets(st.sampled_from(sorted(FACTS))))
def test_a_result_is_stored_as_json_and_put_in_words(tree, known, hidden):
    result = assess({name: None if name in hidden else value for name, value in known.items()}, tree, ON)
    stored = json.loads(json.dumps(result.to_json()))
    assert [node["answer"] for node in _stored(stored)] == [node.answer for node in _walk(result)]
    assert all(reason_text(node) and (node.label or node.children) for node in _walk(result))


def _stored(node):
    yield node
    for child in node["children"]:
        yield from _stored(child)


def _walk(result):
    yield result
    for child in result.children:
        yield from _walk(child)


@given(KNOWN_FACTS)
def test_none_and_missing_facts_are_the_same(known):
    tree = {"all": [{"fact": "age", "at_least": 16}, {"fact": "is_nepali", "is": True}]}
    without = {name: value for name, value in known.items() if name != "age"}
    assert assess(without | {"age": None}, tree, ON) == assess(without, tree, ON)


@pytest.mark.parametrize(
    ("leaf", "value", "answer", "reason"),
    [
        ({"fact": "is_nepali", "is": True}, True, YES, "said_yes"),
        ({"fact": "is_nepali", "is": True}, False, NO, "said_no"),
        ({"fact": "is_nepali", "is": False}, False, YES, "said_no"),
        ({"fact": "country_of_stay", "in": ["QA", "KW"]}, "KW", YES, "is_one_of"),
        ({"fact": "country_of_stay", "in": ["QA", "KW"]}, "IQ", NO, "is_none_of"),
        ({"fact": "districts", "has_any": ["304", "302"]}, {"306", "302"}, YES, "has_one_of"),
        ({"fact": "districts", "has_any": ["304", "302"]}, ["306"], NO, "has_none_of"),
        ({"fact": "districts", "has_any": ["304", "302"]}, [], NO, "has_none_of"),
        ({"fact": "districts", "has_any": ["304", "302"]}, ["306", None], UNKNOWN, "fact_partly_unknown"),
        ({"fact": "districts", "has_any": ["304", "302"]}, ["304", None], YES, "has_one_of"),
        ({"fact": "age", "at_least": 16}, 16, YES, "reaches"),
        ({"fact": "age", "at_least": 16}, 15, NO, "too_low"),
        ({"fact": "age", "below": 18}, 17, YES, "is_below"),
        ({"fact": "age", "below": 18}, 18, NO, "too_high"),
        ({"fact": "age", "below": 18}, None, UNKNOWN, "fact_unknown"),
    ],
)
def test_each_comparison_answers_with_its_reason(leaf, value, answer, reason):
    result = assess({leaf["fact"]: value}, leaf, ON)
    assert (result.answer, result.reason.code, result.on) == (answer, reason, ON)


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("age", "16"),
        ("age", True),
        ("is_nepali", 1),
        ("is_nepali", "yes"),
        ("sex", {"female"}),
        ("groups", "street_child"),
    ],
)
def test_a_fact_of_the_wrong_type_is_refused(fact, value):
    leaf = {
        "age": {"fact": "age", "at_least": 16},
        "is_nepali": {"fact": "is_nepali", "is": True},
        "sex": {"fact": "sex", "in": ["female"]},
        "groups": {"fact": "groups", "has_any": ["street_child"]},
    }[fact]
    with pytest.raises(MistypedFact, match=fact):
        assess({fact: value}, leaf, ON)


@pytest.mark.parametrize(
    "tree",
    [
        {"all": []},
        {"any": []},
        {},
        {"fact": "shoe_size", "at_least": 40},
        {"fact": "age"},
        {"fact": "age", "is": True},
        {"fact": "age", "at_least": 16, "below": 18},
    ],
)
def test_a_malformed_tree_is_refused(tree):
    with pytest.raises(MalformedCriteria):
        assess({"age": 17}, tree, ON)


TREE = {
    "all": [
        {"fact": "sex", "in": ["female"], "code": "woman", "label_en": "A woman", "label_ne": "महिला"},
        {
            "any": [
                {"fact": "groups", "has_any": ["returnee_migrant"]},
                {"fact": "stranded_at_destination", "is": True},
                {"fact": "stranded_at_destination", "is": False},
            ]
        },
    ]
}


def test_questions_stop_once_the_answer_is_decided():
    assert facts_named(TREE) == {"sex", "groups", "stranded_at_destination"}
    assert codes_named(TREE, "groups") == {"returnee_migrant"}
    assert unknown_facts(assess({}, TREE, ON)) == ["sex", "groups", "stranded_at_destination"]
    assert unknown_facts(assess({"sex": "male"}, TREE, ON)) == []
    assert unknown_facts(assess({"sex": "female", "groups": {"dependant"}}, TREE, ON)) == [
        "stranded_at_destination"
    ]
    assert unknown_facts(assess({"groups": {"returnee_migrant"}}, TREE, ON)) == ["sex"]


def test_reasons_are_put_in_words():
    result = assess({"sex": "male", "groups": {"returnee_migrant"}}, TREE, ON)
    woman, returnee = result.children
    with translation.override("en"):
        assert woman.label == "A woman"
        assert reason_text(woman) == "Sex: Male. It must be one of: Female."
        assert reason_text(returnee.children[0]) == "Situation: Returnee migrant."
        assert returnee.children[1].label == "Is stranded at the destination"
        assert reason_text(returnee.children[1]) == "Is stranded at the destination: not known yet."
        assert reason_text(returnee) == "1 of 3 is met; one is enough."
        assert reason_text(result) == "1 of 2 is not met."
    with translation.override("ne"):
        assert woman.label == "महिला"


def test_the_digest_follows_the_content_and_not_the_order_of_keys():
    leaf = {"fact": "age", "at_least": 16}
    assert digest(leaf) == digest({"at_least": 16, "fact": "age"})
    assert digest(leaf) != digest(leaf | {"at_least": 17})
    assert digest(leaf) != digest(leaf | {"label_en": "Sixteen"})
    assert digest({"any": [leaf, TREE]}) != digest({"any": [TREE, leaf]})


def test_facts_that_are_asked_have_a_question_and_the_others_none():
    derived = {"age", "sex", "groups", "districts", "country_of_stay", "research_consent"}
    assert {name for name, fact in FACTS.items() if not fact.asked} == derived
    assert {fact.kind for fact in FACTS.values() if fact.asked} == {"yes_no"}
    assert [len(FACTS[name].choices) for name in ("districts", "country_of_stay", "groups")] == [
        77,
        249,
        len(TargetGroup),
    ]
    assert all(name == fact.name for name, fact in FACTS.items())


def test_codes_of_the_standard_are_given_where_it_has_one():
    assert TargetGroup.SURVIVOR_OF_TRAFFICKING.htcds == "ActualVictimOfTrafficking"
    assert TargetGroup.STREET_CHILD.htcds == ""
    assert (PartnerKind.COMPANY.htcds, PartnerKind.IOM.htcds) == ("CorporateBusiness", "")
