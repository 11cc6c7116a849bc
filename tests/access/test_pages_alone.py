"""Pages and API with the policies switched off: Python's scope alone shows no more than both together."""

import pytest

from accounts.operations.token import create_api_token
from core.clock import now
from core.context import acting_as
from reintegration.models import FollowUp
from tests import walks
from tests.access import targets
from tests.access.test_addresses import TABLE, address_of
from tests.access.test_canary import TOKEN
from tests.addresses import patterns
from tests.pages import visit

A, B, READER = "ngo_a_caseworker", "ngo_b_caseworker", "ngo_a_reader"
keys = targets.keys


def test_lists_show_the_second_ngo_nothing_without_policies(
    scene, demo_users, committed, owner, disable_policies, sign_in
):
    """Every address without parameters, of pages and of the API; the others are opened in the next test."""
    marked = scene.case
    # A visit that is due now, so that the list of due visits has a row.
    owner.execute(
        "UPDATE reintegration_followup SET due_on = current_date WHERE case_id = %s AND done_on IS NULL",
        [str(marked.pk)],
    )
    assert owner.rowcount > 0
    addresses = [f"/{route}" for _, route in patterns() if "<" not in route and "(" not in route]
    addresses += ["/cases/?find=kanari", "/api/v1/cases/?page_size=200"]
    disable_policies()
    for username, is_traced in ((A, True), (B, False)):
        client, traces = sign_in(username), []
        for address in addresses:
            address += "?page_size=200" if "/api/" in address and "?" not in address else ""
            text = visit(client, address).content.decode()
            if TOKEN in text or marked.reference in text:
                traces.append(address)
        assert bool(traces) is is_traced, (username, traces)


@pytest.mark.parametrize("username", walks.parameters([B, READER, "iom_approver"], keep=[B]))
def test_every_address_answers_the_same_without_policies(
    keys, demo_users, committed, disable_policies, sign_in, username
):
    routes, wrong = dict(patterns()), []
    with acting_as(demo_users[A]):
        assert FollowUp.objects.count() > 0
    disable_policies()
    client = sign_in(username)
    for name, row in TABLE.items():
        for target in row.targets:
            address = address_of(routes[name], keys[target])
            for method, expected in (("get", row.get), ("post", row.post)):
                if name == "accounts:sign-out":
                    continue
                status = getattr(client, method)(address).status_code
                if status != expected(username, target):
                    wrong.append(f"{method} {name} {target}: {status}, not {expected(username, target)}")
    assert wrong == [], "\n".join(wrong)


def test_an_id_of_another_organisation_is_refused(scene, client, demo_users, committed, disable_policies):
    """The API refuses an id that its sender can't see before it calls the operation."""
    marked = scene.case
    _token, text = create_api_token(user=demo_users[B], name="test", by=None, now=now())
    disable_policies()
    answer = client.post(
        "/api/v1/screenings/",
        {"case": str(marked.pk), "answers": {}},
        content_type="application/json",
        headers={"Authorization": f"Token {text}"},
    )
    assert answer.status_code == 400
    assert "case" in [row["field"] for row in answer.json()["errors"]]
