"""Every address with Python's scope switched off: the policies alone answer as the table says."""

import pytest

from tests import unscoped, walks
from tests.access import test_addresses
from tests.access.targets import TARGETS
from tests.access.test_addresses import (
    API,
    EMPTY,
    EVERYONE,
    FORM,
    PROTECTION,
    SUMMARY_READERS,
    TABLE,
    cells_of,
    send_cells,
)

keys = test_addresses.keys

# Where the policies alone answer with another status than scope and policies together: the user finds the
# case, and Python's own check whether they may write or lead it is switched off. The page then shows its form
# (200) and the API asks for JSON (415), instead of 403; that nothing can be written is tested for each action
# in tests/access/test_actions_alone.py.
ONLY_READ = {"ngo_a_reader"} | PROTECTION
FOUND_BY_REFERENCE = SUMMARY_READERS - {"iom_supervisor"}
LED_PAGES = (
    *("beneficiaries:consent-share", "beneficiaries:consent-withdraw", "beneficiaries:document-remove"),
    "beneficiaries:beneficiary-correct",
    "beneficiaries:identity-document",
    "beneficiaries:consent-correct",
)
ANSWERED_PAGES = ("beneficiaries:referral-detail", "beneficiaries:transfer-detail")
# Pages of a case that whoever works on it may write, and a reader may not.
WRITTEN_PAGES = tuple(
    name
    for name, row in TABLE.items()
    if name not in API and row.targets == TARGETS
    if (row.post("ngo_a_reader", "a"), row.post("iom_supervisor", "a")) == (403, 200)
)
ALONE: list[tuple[set[str], tuple[str, ...], tuple[str, ...], str, int]] = [
    (ONLY_READ, WRITTEN_PAGES, ("get", "post"), "a", 200),
    (ONLY_READ, ("reintegration:admission-choose",), ("get",), "a", 200),
    (ONLY_READ | {"iom_supervisor"}, LED_PAGES, ("get", "post"), "a", 200),
    (ONLY_READ | {"iom_supervisor"}, ANSWERED_PAGES, ("post",), "a", 200),
    (ONLY_READ | {"iom_supervisor"}, ("api:referral-answer", "api:transfer-answer"), ("post",), "a", FORM),
    (ONLY_READ, ("api:consent-withdraw", "api:follow-up-record", "api:case-close"), ("post",), "a", FORM),
    (
        ONLY_READ | {"iom_supervisor"},
        ("api:beneficiary-detail", "api:identity-document-detail", "api:consent-detail"),
        ("patch",),
        "a",
        EMPTY,
    ),
    (ONLY_READ, ("api:plan-detail", "api:follow-up-detail"), ("patch",), "a", EMPTY),
    (ONLY_READ | FOUND_BY_REFERENCE, ("api:case-file",), ("patch",), "a", EMPTY),
    (SUMMARY_READERS, ("api:case-file",), ("patch",), "b", EMPTY),
    ({"iom_supervisor"}, ("api:consent-withdraw",), ("post",), "a", FORM),
    (FOUND_BY_REFERENCE, ("api:case-close",), ("post",), "a", FORM),
    (SUMMARY_READERS, ("api:case-close",), ("post",), "b", FORM),
]


def _alone(username: str, cell: tuple) -> tuple:
    name, target, method, address, expected = cell
    other = [
        status
        for people, names, methods, where, status in ALONE
        if username in people and name in names and method in methods and target == where
    ]
    return name, target, method, address, (other or [expected])[0]


@pytest.mark.parametrize("everyone", walks.parameters([False, True], keep=[False]))
def test_every_address_answers_as_the_table_says_by_the_database_alone(
    client, demo_users, committed, owner, keys, tally, monkeypatch, everyone
):
    """Send every cell again with Python's scope switched off: the same answers, and no row changed.

    In `make test` each cell is sent by one user, in turn; in `make soak` by everyone. The admin's pages are
    left out: they show configuration, which has no scope.
    """
    unscoped.switch_off(monkeypatch)
    client.raise_request_exception = False
    before, unexpected = unscoped.digest(owner), []
    for number, username in enumerate(EVERYONE):
        cells = [_alone(username, cell) for cell in cells_of(username, keys)]
        cells = cells if everyone else cells[number :: len(EVERYONE)]
        found = send_cells(client, demo_users, username, cells, keys)
        tally("database alone: ", len(cells), len(found))
        unexpected += found
    assert unexpected == [], "\n".join(unexpected)
    after = unscoped.digest(owner)
    del before["accounts_notice"], after["accounts_notice"]  # everyone marks their own as read
    assert after == before
