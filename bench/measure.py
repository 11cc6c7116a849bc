"""Two pages asked in turn, and what came of it."""

import statistics
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bench.web import Page

WARM_UP = 8
REPEATS = 3


@dataclass(frozen=True)
class Figure:
    """One line of the results. `ratio` is our time to the other's; `spread` how far the repeats lie apart."""

    name: str
    value: float
    against: str
    other: float
    ratio: float
    spread: float
    bar: float | None

    @property
    def holds(self) -> bool | None:
        return None if self.bar is None else self.ratio <= self.bar

    def to_json(self) -> dict:
        return {
            "name": self.name,
            "value": round(self.value, 3),
            "unit": "ms",
            "against": f"{self.against}, {self.other:.3f} ms",
            "ratio": round(self.ratio, 4),
            "bar": self.bar,
            "holds": self.holds,
        }


def figure(
    name: str,
    ours: Sequence[Sequence[float]],
    against: str,
    others: Sequence[Sequence[float]],
    bar: float | None,
) -> Figure:
    """The median of the repeats' medians; the ratio is taken within a repeat, where both met the same machine."""
    mine, theirs = (
        [statistics.median(times) for times in ours],
        [statistics.median(times) for times in others],
    )
    ratios = [a / b for a, b in zip(mine, theirs, strict=True)]
    ratio = statistics.median(ratios)
    return Figure(
        name=name,
        value=statistics.median(mine),
        against=against,
        other=statistics.median(theirs),
        ratio=ratio,
        spread=(max(ratios) - min(ratios)) / ratio,
        bar=bar,
    )


def in_turn(ours: Sequence[Page], others: Sequence[Page], rounds: int) -> tuple[list, list]:
    """Milliseconds a page, ours and the other one after another, in three repeats."""
    mine: list[list[float]] = [[] for _ in range(REPEATS)]
    theirs: list[list[float]] = [[] for _ in range(REPEATS)]
    for number in range(WARM_UP):
        ours[number % len(ours)].get()
        others[number % len(others)].get()
    for repeat in range(REPEATS):
        for number in range(rounds):
            mine[repeat].append(ours[number % len(ours)].get()[0])
            theirs[repeat].append(others[number % len(others)].get()[0])
    return mine, theirs


def crowds_in_turn(ours: Page, other: Page, *, readers: int, rounds: int) -> tuple[list, list]:
    """Milliseconds a page where so many read at once; one copies after the other, in three repeats."""
    mine: list[list[float]] = [[] for _ in range(REPEATS)]
    theirs: list[list[float]] = [[] for _ in range(REPEATS)]
    with ThreadPoolExecutor(readers) as copies:
        for repeat in range(REPEATS):
            for _ in range(rounds):
                mine[repeat] += [taken for taken, _body in copies.map(lambda _: ours.get(), range(readers))]
                theirs[repeat] += [
                    taken for taken, _body in copies.map(lambda _: other.get(), range(readers))
                ]
    return mine, theirs


def same(ours: Page, other: Page, found: Callable[[bytes], set], at_least: int) -> None:
    """Both pages show the same things, and enough of them: else nothing is compared with nothing."""
    mine, theirs = found(ours.get()[1]), found(other.get()[1])
    if len(mine) < at_least or mine != theirs:
        raise RuntimeError(f"{ours.path} and {other.path} differ: {len(mine)} and {len(theirs)} cases")
