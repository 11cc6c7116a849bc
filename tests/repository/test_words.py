"""The words of the project: none of a list of idiom, in code, documents, pages and the catalogue."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIST = ROOT / "tests" / "words.txt"
TEXTS = {".py", ".sql", ".html", ".md", ".po", ".yaml", ".yml", ".toml", ".js", ".scss", ".sh", ".txt"}
ELSEWHERE = {".venv", ".local", ".git", "staticfiles", "node_modules", "vendor", "data", "__pycache__"}


def idiom() -> list[str]:
    lines = LIST.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def texts() -> Iterator[Path]:
    for path in sorted(ROOT.rglob("*")):
        inside = path.relative_to(ROOT)
        if path.suffix in TEXTS and not ELSEWHERE & set(inside.parts) and path not in (LIST, Path(__file__)):
            yield path


def found(text: str, phrase: str) -> list[str]:
    words = re.escape(phrase).replace(r"\*", r"\w*").replace(r"\ ", r"\s+")
    return re.findall(rf"(?<![\w-]){words}(?![\w-])", text, re.IGNORECASE)


def test_the_list_finds_what_it_names():
    assert found("It is Thrown  away, and the higher rooms know.", "thrown away") == ["Thrown  away"]
    assert found("the higher rooms know", "higher room*") == ["higher rooms"]
    assert found("an indeed lawful text", "deed") == []


@pytest.mark.parametrize("phrase", idiom())
def test_no_text_uses_idiom(phrase):
    where = [
        str(path.relative_to(ROOT)) for path in texts() if found(path.read_text(encoding="utf-8"), phrase)
    ]
    assert where == []


def test_the_texts_are_there():
    names = {path.relative_to(ROOT).parts[0] for path in texts()}
    assert names >= {"core", "beneficiaries", "templates", "docs", "tests", "locale", "README.md"}
