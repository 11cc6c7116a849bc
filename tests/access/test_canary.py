"""A token in each text field of the first NGO's case, and every address opened as the second NGO: no trace."""

import re
import uuid
from collections import Counter
from functools import partial

import pytest
from django.db import connection

from beneficiaries.models import Case, IntakeDraft
from core import policies
from core.access import AccessPolicy
from core.context import acting_as
from reintegration.models import Grant, Instalment
from tests import unscoped, walks
from tests.addresses import fill, patterns
from tests.api.program import KINDS, READERS_OF, rows_in
from tests.factories.scene import FACTORIES, NUMBER, TOKEN, typed_fields
from tests.pages import visit

pytestmark = pytest.mark.django_db
A, B = "ngo_a_caseworker", "ngo_b_caseworker"
IDS = re.compile(r"[0-9A-Z]{4}-[0-9A-Z]{3}-[0-9A-Z]|[0-9a-f-]{36}|\d+")
TOKENS = (TOKEN, NUMBER)  # a telephone or document number can't be a long word


@pytest.fixture(scope="module")
def canary_case(scene) -> Case:
    """Return a case of the first NGO with a token in every text that somebody types."""
    return scene.case


def test_the_token_is_in_every_typed_field(canary_case, demo_users):
    """The control of the tests below: a new text field without a token fails here."""
    missing = []
    with acting_as(demo_users[A]):
        for model, factory in FACTORIES.items():
            rows = list(model.objects.filter(**factory.key(canary_case)))
            assert rows, model._meta.label
            for name in typed_fields(model):
                if not any(token in str(getattr(row, name)) for row in rows for token in TOKENS):
                    missing.append(f"{model._meta.label}.{name}")
    assert missing == []


def known(case: Case, user) -> dict[str, list[str]]:
    """Return the values of addresses' parameters: ids of two rows of the case in each resource of the API, and
    others."""
    with acting_as(user):
        ids = {
            kind.lookup_url_kwarg: [str(row.pk) for row in rows_in(path, case, user)[:2]]
            for path, kind in KINDS.items()
            if path in READERS_OF
        }
        return ids | {
            "reference": [case.reference, "ZZZZ-ZZZ-Z"],
            "visit_id": ids["follow_up_id"],
            "code": ["RASNM-2", "RASNM"],
            "draft_id": [str(draft.pk) for draft in IntakeDraft.objects.visible_to(user)[:1]],
            "identity_kind": ["passport", "citizenship"],
            "object_id": [str(case.pk), str(case.beneficiary_id)],
        }


def _crawl(
    client, case: Case, demo_users, *, until: str = "nothing", of_each: int = 3000
) -> tuple[int, list[str]]:
    """Open every address with the first NGO's ids, and links found, so many that differ in ids alone; GET and
    POST. Return how many, and those with a trace; stop early at a trace of the address `until`.
    """
    waiting = {address for _, route in patterns() for address in fill(route, known(case, demo_users[A]))}
    waiting |= {f"/cases/?find={word}" for word in ("kanari", case.reference)}
    seen, traces, found = set(), [], Counter()
    while waiting and not any(until in trace for trace in traces):
        address = waiting.pop()
        seen.add(address)
        for verb, method in (("get", partial(visit, client)), ("post", client.post)):
            if verb == "post" and "/logout/" in address:
                continue
            response = method(address)
            body = b"".join(response) if response.streaming else response.content
            text = body.decode(errors="replace") + str(dict(response.headers))
            is_file = response.headers.get("Content-Disposition", "").startswith("attachment")
            if (
                is_file
                or any(token in text for token in TOKENS)
                or (case.reference in text and case.reference not in address)
            ):
                traces.append(f"{verb} {address}")
            for link in re.findall(r'href="(/[^"#]*)"', text):
                link, page = link.replace("&amp;", "&"), re.sub(IDS, "", link)
                is_new = link not in seen and link not in waiting and not link.startswith("/static/")
                if is_new and found[page] < of_each and len(seen) < 3000:
                    found[page] += 1
                    waiting.add(link)
    return len(seen), traces


def test_the_crawl_finds_the_tokens_as_the_cases_own_caseworker(canary_case, demo_users, sign_in):
    """The positive control."""
    client = sign_in(A)
    client.raise_request_exception = False
    page = f"/cases/{canary_case.reference}/"
    _count, traces = _crawl(client, canary_case, demo_users, until=page)
    assert any(page in trace for trace in traces)


@pytest.mark.parametrize("of_each", walks.parameters([2, 3000], keep=[2]))
def test_the_second_ngo_finds_no_trace(canary_case, demo_users, sign_in, of_each):
    """In `make test` two of its own cases are opened, in `make soak` all of them."""
    count, traces = _crawl(sign_in(B), canary_case, demo_users, of_each=of_each)
    print(f"addresses {count} traces {len(traces)}")
    assert count > 60
    assert traces == []


@pytest.mark.walk
def test_the_second_ngo_finds_no_trace_by_the_policies_alone(canary_case, demo_users, sign_in, monkeypatch):
    """Views that forget their scope may fail, but show nothing."""
    unscoped.switch_off(monkeypatch)
    client = sign_in(B)
    client.raise_request_exception = False
    count, traces = _crawl(client, canary_case, demo_users)
    assert count > 60
    assert traces == []


def test_hidden_and_missing_rows_answer_the_same_bytes(canary_case, demo_users, sign_in):
    client = sign_in(B)
    hidden = client.get(f"/cases/{canary_case.reference}/")
    missing = client.get("/cases/ZZZZ-ZZZ-Z/")
    assert hidden.status_code == missing.status_code == 404
    assert hidden.content == missing.content
    assert dict(hidden.headers) == dict(missing.headers)
    assert b"csrf" not in hidden.content
    with acting_as(demo_users[A]):
        grant = Grant.objects.visible_to(demo_users[A]).get(case=canary_case)
    assert client.get(f"/grants/{grant.pk}/").content == client.get(f"/grants/{uuid.uuid4()}/").content


def test_raw_sql_as_the_application_finds_nothing(canary_case, demo_users):
    """Search each column of each protected table as text, as the second NGO."""
    with acting_as(demo_users[B]), connection.cursor() as cursor:
        for model in policies.own_models():
            policy = getattr(model, "access_policy", None)
            if isinstance(policy, AccessPolicy) and policy.read is not None:
                cursor.execute(
                    f"SELECT count(*) FROM {walks.readable(model)} t WHERE t::text LIKE %s", [f"%{TOKEN}%"]
                )
                assert cursor.fetchone()[0] == 0, model._meta.label
    assert Instalment.access_policy.read is not None
