"""Fixtures of the tests of access."""

from collections.abc import Callable, Iterator

import pytest


@pytest.fixture(scope="module")
def tally(request) -> Iterator[Callable[[str, int, int], None]]:
    """Count cells and failures of all users and print them at the end: in one process (`-s`) that is the
    whole table.
    """
    found: dict[str, list[int]] = {}

    def count(name: str, cells: int, unexpected: int) -> None:
        counts = found.setdefault(name, [0, 0])
        counts[0] += cells
        counts[1] += unexpected

    yield count
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        for name, (cells, unexpected) in found.items():
            reporter.write_line(f"\n{name}cells {cells} unexpected {unexpected}")
