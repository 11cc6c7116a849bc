"""The results for people (results.md) and for programs (results.json)."""

import argparse
import json
import os
import platform
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from bench.measure import Figure

HERE = Path(__file__).resolve().parent
ABOUT = """# What the access policies cost

{people:,} people, {day}. Made by `make bench`; `docs/benchmarks.md` says what is measured and how.
{machine}

Ratios are our time to the other's, lower is better; times in ms, medians. The spread is how far the ratios of
three repeats lie apart. On a machine that has other work to do the times grow; the ratios carry over, as both
sides were asked in turn.

| | ours | against | theirs | ratio | bar | spread | |
|---|---|---|---|---|---|---|---|
"""


def _ratio(ratio: float, bar: float | None) -> str:
    """Format a ratio; one with a bar below 1 as a fraction."""
    if bar is not None and bar < 1:
        return f"1/{1 / ratio:.0f}"
    return f"{ratio:.2f}"


def line(one: Figure) -> str:
    """Return one figure's line for the terminal."""
    bar = "" if one.bar is None else f" (bar {_ratio(one.bar, one.bar)})"
    verdict = {True: "holds", False: "FAILS", None: ""}[one.holds]
    ratio = f"{_ratio(one.ratio, one.bar):>7}{bar:<12} spread {one.spread:.0%}"
    return f"{one.name:<46}{one.value:>9.2f} ms  {ratio:<30} {verdict}"


def _row(one: Figure) -> str:
    verdict = {True: "holds", False: "**fails**", None: "for information"}[one.holds]
    bar = "" if one.bar is None else _ratio(one.bar, one.bar)
    return (
        f"| `{one.name}` | {one.value:.2f} | {one.against} | {one.other:.2f} "
        f"| {_ratio(one.ratio, one.bar)} | {bar} | {one.spread:.0%} | {verdict} |\n"
    )


def _machine(settings: dict[str, str]) -> str:
    values = ", ".join(f"{name} {value}" for name, value in settings.items() if name != "server_version")
    python = platform.python_version()
    return (
        f"{os.cpu_count()} cores shared by client and servers, Python {python}, "
        f"PostgreSQL {settings['server_version']} ({values})."
    )


def _plans(facts: dict) -> str:
    parts = []
    for who, subject in facts["subjects"].items():
        for page, plans in subject["plans"].items():
            parts.append(f"\n## Plans of the {page}, {who} NGO, {subject['cases']:,} cases\n")
            parts += [f"\n```\n{plan}\n```\n" for plan in plans]
    return "".join(parts)


def write(found: Sequence[Figure], facts: dict, arguments: argparse.Namespace) -> None:
    """Write both files. The plans are those of the application's role, under the access policies."""
    about = ABOUT.format(
        people=arguments.people, day=date.today().isoformat(), machine=_machine(facts["settings"])
    )
    text = about + "".join(map(_row, found)) + _plans(facts)
    (HERE / "results.md").write_text(text, encoding="utf-8")
    rows = json.dumps([one.to_json() for one in found], indent=1, ensure_ascii=False)
    (HERE / "results.json").write_text(rows + "\n", encoding="utf-8")
