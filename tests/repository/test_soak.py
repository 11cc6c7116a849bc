"""The soak's own rules: a mutant that doesn't apply is an error, a failing control is reported, a leak isn't
missed.
"""

from collections import Counter
from pathlib import Path

import pytest

from soak import interleaving, mutants, run
from soak.mutations import MUTANTS, Mutant
from soak.report import Failed

ROOT = Path(__file__).resolve().parents[2]
CONTROL = mutants.Outcome(None)


def a_mutant(text: str, replacement: str = "", file: str = "core/access.py") -> Mutant:
    return Mutant("a mutant", file, text, replacement)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_each_mutant_applies(mutant):
    text = (ROOT / mutant.file).read_text(encoding="utf-8")
    assert mutants.changed(mutant, text) != text
    path, _mark, test = mutant.first.partition("::")
    assert not test or f"def {test.partition('[')[0]}(" in (ROOT / path).read_text(encoding="utf-8")


def test_every_app_has_mutants():
    assert len(MUTANTS) >= 50
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    apps = {mutant.name.split(":")[0] for mutant in MUTANTS}
    assert apps == {"core", "accounts", "beneficiaries", "reintegration", "projects", "api"}
    assert all((ROOT / path).exists() for path in mutants.ACCESS)


@pytest.mark.parametrize(
    ("mutant", "message"),
    [
        (a_mutant("not there"), "0 times"),
        (a_mutant("one"), "2 times"),
        (a_mutant("one two", "one ("), "no Python any more"),
    ],
)
def test_a_mutant_that_does_not_apply_is_an_error(mutant, message):
    with pytest.raises(Failed, match=message):
        mutants.changed(
            mutant, "x = 'one'\ny = 1  # one two\n" if "two" not in mutant.text else "one two = 1"
        )


@pytest.mark.parametrize(
    ("code", "said", "caught", "is_error"),
    [
        (
            1,
            "FAILED tests/access/test_rows.py::test_x - assert 1\n1 failed in 2s",
            "tests/access/test_rows.py::test_x",
            False,
        ),
        (0, "12 passed in 3.4s", "", False),
        (1, "ERROR tests/access/test_rows.py::test_x - RuntimeError: manage.py migrate", "", True),
        (
            2,
            "ERROR tests/access/test_rows.py - ImportError\n!!! Interrupted: 1 error during collection",
            "",
            True,
        ),
        (5, "no tests ran in 0.1s", "", True),
    ],
)
def test_only_a_test_that_fails_is_a_catch(code, said, caught, is_error):
    outcome = mutants.judged(a_mutant("x"), code, said)
    assert (outcome.caught_by, bool(outcome.error)) == (caught, is_error)


def survivors(count: int, file: str) -> list[mutants.Outcome]:
    return [mutants.Outcome(a_mutant("x", file=file)) for _ in range(count)]


def test_the_bars():
    caught = [mutants.Outcome(a_mutant("x"), caught_by="a test") for _ in range(48)]
    high, low = "api/urls.py", "core/access.py"
    assert mutants.verdict([CONTROL, *caught]) == ("mutants 48 caught 48", True)
    assert mutants.verdict([CONTROL, *caught, *survivors(2, high)]) == ("mutants 50 caught 48", True)
    assert mutants.verdict([CONTROL, *caught, *survivors(3, high)])[1] is False
    assert mutants.verdict([CONTROL, *caught, *survivors(1, low)])[1] is False


@pytest.mark.parametrize(
    "control", [mutants.Outcome(None, caught_by="a test"), mutants.Outcome(None, error="no database")]
)
def test_a_control_that_fails_fails_all(control):
    with pytest.raises(Failed, match="the unchanged copy does not pass"):
        mutants.verdict([control, mutants.Outcome(a_mutant("x"), caught_by="a test")])


def test_a_mutant_that_could_not_be_examined_fails_all():
    with pytest.raises(Failed, match="could not be examined: a mutant"):
        mutants.verdict([CONTROL, mutants.Outcome(a_mutant("x"), error="did not migrate")])


@pytest.mark.parametrize(
    ("changes", "holds"),
    [
        ({}, True),
        ({"foreign": 1}, False),
        ({"left": 1}, False),
        ({"own B": 0}, False),
        ({"late": 0}, False),
        ({"backends": 2}, False),
        ({"status 500": 0}, False),
    ],
)
def test_a_leak_and_an_empty_run_are_both_reported(changes, holds):
    seen = {
        "requests": 9,
        "foreign": 0,
        "left": 0,
        "own A": 3,
        "own B": 3,
        "late": 1,
        "backends": 1,
        "status 500": 1,
    }
    line, found = interleaving.verdict("interleaving", Counter(seen | changes), backends=1)
    assert line == f"interleaving 9 foreign {changes.get('foreign', 0)}"
    assert found is holds


def test_an_unknown_part_is_refused(capsys):
    assert run.main(["nothing"]) == 2
    assert "The parts are walks, mutants, interleaving, pgbouncer, api, scanner." in capsys.readouterr().out
