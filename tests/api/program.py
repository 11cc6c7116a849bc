"""What the tests of the API share: a program with a token, a case with a row in every resource, and bodies."""

import json
import uuid

from django.db.models import QuerySet
from django.test import Client

from accounts.models import User
from accounts.operations.token import create_api_token
from api.resources import RESOURCES
from beneficiaries.models import Case
from core.access import Open
from core.clock import now
from core.context import acting_as
from tests import factories
from tests.factories.scene import FACTORIES

A, B, READER, A_SUPERVISOR = "ngo_a_caseworker", "ngo_b_caseworker", "ngo_a_reader", "ngo_a_supervisor"
SUPERVISOR, APPROVER, FINANCE = "iom_supervisor", "iom_approver", "iom_finance"
ROOT = "/api/v1/"
MISSING = uuid.UUID(int=7)
KINDS = {kind.path: kind for kind in RESOURCES}
MODELS = {path: kind.serializer_class.Meta.model for path, kind in KINDS.items()}
READERS_OF = {path: FACTORIES[model].reads for path, model in MODELS.items() if model in FACTORIES}
WITH_SUMMARY_ACCESS = {path for path, readers in READERS_OF.items() if FINANCE in readers}
WORKING = READERS_OF.keys() - WITH_SUMMARY_ACCESS
OPEN = {path for path, model in MODELS.items() if isinstance(model.access_policy, Open)}
LOG = {"audit-events"}  # the auditor's alone: tests/core/test_audit_log.py


class Program:
    """A program with one user's token."""

    def __init__(self, user) -> None:
        self.client, self.user = Client(), user
        _token, self.text = create_api_token(user=user, name="test", by=None, now=now())

    def _headers(self, more: dict) -> dict:
        return {"Authorization": f"Token {self.text}", **more}

    def get(self, path: str, query: dict | None = None, **headers):
        address = path if path.startswith("/") else ROOT + path
        return self.client.get(address, query, headers=self._headers(headers))

    def asks(self, method: str, path: str):
        return self.client.generic(method, f"{ROOT}{path}", headers=self._headers({}))

    def post(self, path: str, body=None, *, raw: bytes | None = None, kind="application/json", **headers):
        sent = raw if raw is not None else json.dumps(body if body is not None else {}).encode()
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(f"{ROOT}{path}", sent, content_type=kind, headers=self._headers(names))

    def patch(self, path: str, body):
        return self.client.patch(
            f"{ROOT}{path}", json.dumps(body), content_type="application/json", headers=self._headers({})
        )

    def keys(self, path: str, **query) -> list[str]:
        """Return all ids of a list, page after page."""
        found, response = [], self.get(f"{path}/", {"page_size": 200, **query})
        while True:
            assert response.status_code == 200, response.content
            found += [row["id"] for row in response.json()["results"]]
            if response.json()["next"] is None:
                return found
            response = self.get(response.json()["next"].removeprefix("http://testserver"))


def rows_in(path: str, case: Case, user) -> QuerySet:
    """Return the rows of this case in a resource as the user finds them; all rows if it isn't about cases."""
    rows = KINDS[path].rows(user)
    if path in LOG:
        return rows.filter(case_id=case.pk)
    return rows.filter(**FACTORIES[rows.model].key(case)) if path in READERS_OF else rows


def key_in(path: str, case: Case, user) -> str:
    """Return the id of a row of this case in a resource, as its caseworker finds it; of the log, as the
    auditor.
    """
    if path in LOG:
        user = User.objects.get(username="auditor")
    with acting_as(user):
        return str(rows_in(path, case, user)[0].pk)


def problem_of(response) -> dict:
    assert response["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert set(problem) == {"type", "title", "status", "detail", "errors"}
    assert problem["status"] == response.status_code
    return problem


def fields_of(response) -> set[str]:
    return {error["field"] for error in problem_of(response)["errors"]}


def opening(**changes) -> dict:
    body = {
        "organisation": str(factories.organisation("NGO_A").pk),
        "consent": {"given_by": "self", "how": "spoken"},
        "beneficiary": {
            "first_name": "सुनिता",
            "second_name": "Tamang",
            "sex": "female",
            "birth": "2053-01-22",
            "birth_calendar": "bs",
            "citizenship": "NP",
            "home_district": "302",
        },
        "situation": {
            "groups": ["stranded_migrant", "survivor_of_trafficking"],
            "primary_group": "stranded_migrant",
            "country_of_stay": "KW",
            "current_district": "302",
            "risk": "medium",
            "narrative": "Was not paid for a year.",
        },
    }
    for name, value in changes.items():
        body[name] = {**body[name], **value} if isinstance(value, dict) else value
    return body


def sharing(case: Case, code: str) -> dict:
    return {
        "case": str(case.pk),
        "receiver": str(factories.organisation(code).pk),
        "reason": "She moves.",
        "consent": {"given_by": "self", "how": "spoken"},
    }
