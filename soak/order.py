"""A pytest plugin: run test files in the order in which they were named, whatever else sorts them.

pytest-django puts tests with a database of their own last, and those are the ones that catch some mutants
soonest.
"""

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sort the tests by the files named on the command line."""
    named = [argument.split("::")[0] for argument in config.args]
    items.sort(key=lambda item: named.index(item.nodeid.split("::")[0]))
