"""Request two pages in turn, and compare their times."""

import statistics
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bench.web import Page

WARM_UP = 8
REPEATS = 3


@dataclass(frozen=True)
class Figure:
    """One line of the results. `ratio` is our time to the other's; `spread` is how far the repeats differ."""

    name: str
    value: float
    against: str
    other: float
    ratio: float
    spread: float
    bar: float | None

    @property
    def holds(self) -> bool | None:
        """Whether the ratio is within its bar; None without a bar."""
        return None if self.bar is None else self.ratio <= self.bar

    def to_json(self) -> dict:
        """Return the line for results.json."""
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
    """Compare the medians of the repeats; each ratio is taken within one repeat, where both had the same
    load.
    """
    medians_ours, medians_other = (
        [statistics.median(times) for times in ours],
        [statistics.median(times) for times in others],
    )
    ratios = [a / b for a, b in zip(medians_ours, medians_other, strict=True)]
    ratio = statistics.median(ratios)
    return Figure(
        name=name,
        value=statistics.median(medians_ours),
        against=against,
        other=statistics.median(medians_other),
        ratio=ratio,
        spread=(max(ratios) - min(ratios)) / ratio,
        bar=bar,
    )


def in_turn(ours: Sequence[Page], others: Sequence[Page], rounds: int) -> tuple[list, list]:
    """Return milliseconds of each page, ours and the other in turn, in three repeats."""
    times_ours: list[list[float]] = [[] for _ in range(REPEATS)]
    times_other: list[list[float]] = [[] for _ in range(REPEATS)]
    for number in range(WARM_UP):
        ours[number % len(ours)].get()
        others[number % len(others)].get()
    for repeat in range(REPEATS):
        for number in range(rounds):
            times_ours[repeat].append(ours[number % len(ours)].get()[0])
            times_other[repeat].append(others[number % len(others)].get()[0])
    return times_ours, times_other


def readers_in_turn(ours: Page, other: Page, *, readers: int, rounds: int) -> tuple[list, list]:
    """Return milliseconds of each page with so many readers at once, ours and the other in turn, in three
    repeats.
    """
    times_ours: list[list[float]] = [[] for _ in range(REPEATS)]
    times_other: list[list[float]] = [[] for _ in range(REPEATS)]
    with ThreadPoolExecutor(readers) as copies:
        for repeat in range(REPEATS):
            for _ in range(rounds):
                times_ours[repeat] += [
                    taken for taken, _body in copies.map(lambda _: ours.get(), range(readers))
                ]
                times_other[repeat] += [
                    taken for taken, _body in copies.map(lambda _: other.get(), range(readers))
                ]
    return times_ours, times_other


def same(ours: Page, other: Page, found: Callable[[bytes], set], at_least: int) -> None:
    """Check that both pages show the same things, and enough of them, so that the comparison means something."""
    shown, expected = found(ours.get()[1]), found(other.get()[1])
    if len(shown) < at_least or shown != expected:
        raise RuntimeError(f"{ours.path} and {other.path} differ: {len(shown)} and {len(expected)} cases")
