"""The words of the project: none of a list of idiom, in code, documents, pages and the catalogue."""

import functools
import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIST = ROOT / "tests" / "words.txt"
TEXTS = {".py", ".sql", ".html", ".md", ".po", ".yaml", ".yml", ".toml", ".js", ".scss", ".sh", ".txt"}
ELSEWHERE = {".venv", ".local", ".git", "staticfiles", "node_modules", "vendor", "data", "__pycache__"}


def idiom() -> list[str]:
    lines = LIST.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@functools.cache
def texts() -> dict[str, str]:
    """Each text of the project by its path; folders of other things are not entered, a database changes in one."""
    paths = []
    for folder, inside, names in os.walk(ROOT):
        inside[:] = set(inside) - ELSEWHERE
        paths += [Path(folder, name) for name in names if Path(name).suffix in TEXTS]
    return {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
        for path in sorted(paths)
        if path not in (LIST, Path(__file__))
    }


def found(text: str, phrase: str) -> list[str]:
    words = re.escape(phrase).replace(r"\*", r"\w*").replace(r"\ ", r"\s+")
    return re.findall(rf"(?<![\w-]){words}(?![\w-])", text, re.IGNORECASE)


def test_the_list_finds_what_it_names():
    assert found("It is Thrown  away, and the higher rooms know.", "thrown away") == ["Thrown  away"]
    assert found("the higher rooms know", "higher room*") == ["higher rooms"]
    assert found("an indeed lawful text", "deed") == []


@pytest.mark.parametrize("phrase", idiom())
def test_no_text_uses_idiom(phrase):
    assert [path for path, text in texts().items() if found(text, phrase)] == []


def test_the_texts_are_there():
    names = {Path(path).parts[0] for path in texts()}
    assert names >= {"core", "beneficiaries", "templates", "docs", "tests", "locale", "README.md"}
