"""Pages and answers with the database's policies taken down: what Python alone shows, as narrow as under scope and
policies.
"""

import pytest

from accounts.operations import create_api_token
from core.clock import now
from core.context import acting_as
from reintegration.models import FollowUp
from tests import walks
from tests.access.test_addresses import TABLE, address_of, keys  # noqa: F401 - a fixture
from tests.access.test_canary import TOKEN, canary_case  # noqa: F401 - a fixture
from tests.addresses import patterns
from tests.pages import visit

A, B, READER = "ngo_a_caseworker", "ngo_b_caseworker", "ngo_a_reader"


def test_lists_tell_the_second_ngo_nothing(request, demo_users, committed, owner, take_down, sign_in):
    """Every address without a key in it, of pages and of the API; what has one is asked in the next test."""
    marked = request.getfixturevalue("canary_case")
    # A visit that is owed now, so that the list of what is due has something to tell.
    owner.execute(
        "UPDATE reintegration_followup SET due_on = current_date WHERE case_id = %s AND done_on IS NULL",
        [str(marked.pk)],
    )
    assert owner.rowcount > 0
    addresses = [f"/{route}" for _, route in patterns() if "<" not in route and "(" not in route]
    addresses += ["/cases/?find=kanari", "/api/v1/cases/?page_size=200"]
    take_down()
    for username, is_traced in ((A, True), (B, False)):
        client, traces = sign_in(username), []
        for address in addresses:
            address += "?page_size=200" if "/api/" in address and "?" not in address else ""
            told = visit(client, address).content.decode()
            if TOKEN in told or marked.reference in told:
                traces.append(address)
        assert bool(traces) is is_traced, (username, traces)


@pytest.mark.parametrize("person", walks.parameters([B, READER, "iom_approver"], keep=[B]))
def test_every_address_answers_as_behind_both_walls(
    request, demo_users, committed, take_down, sign_in, person
):
    known, routes, wrong = request.getfixturevalue("keys"), dict(patterns()), []
    with acting_as(demo_users[A]):
        assert FollowUp.objects.count() > 0
    take_down()
    client = sign_in(person)
    for name, row in TABLE.items():
        for target in row.targets:
            address = address_of(routes[name], known[target])
            for method, expected in (("get", row.get), ("post", row.post)):
                if name == "accounts:sign-out":
                    continue
                status = getattr(client, method)(address).status_code
                if status != expected(person, target):
                    wrong.append(f"{method} {name} {target}: {status}, not {expected(person, target)}")
    assert wrong == [], "\n".join(wrong)


def test_a_key_of_another_organisation_is_no_input(request, client, demo_users, committed, take_down):
    """The API takes no key that its sender doesn't see, before the operation is asked."""
    marked = request.getfixturevalue("canary_case")
    _token, text = create_api_token(user=demo_users[B], name="test", by=None, now=now())
    take_down()
    answer = client.post(
        "/api/v1/screenings/",
        {"case": str(marked.pk), "answers": {}},
        content_type="application/json",
        headers={"Authorization": f"Token {text}"},
    )
    assert answer.status_code == 400
    assert "case" in [row["field"] for row in answer.json()["errors"]]
