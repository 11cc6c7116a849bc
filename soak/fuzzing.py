"""Test the API against its own schema: as every demo user and signed out, with valid and invalid values.

Schemathesis makes the requests; a real gunicorn answers. No answer may be a server error, and every answer
must be one that the schema describes: its status, its content type, its body. The seed is fixed and the
examples are few, so that all of it takes some minutes; every second request uses the id of a row that exists.
"""

import os
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi import checks

from bench.web import serving
from soak.report import say
from tests import databases

SEED = 11
EXAMPLES = int(os.environ.get("SOAK_EXAMPLES", "6"))  # of each kind, for each role and operation
KNOWN = 20
SECONDS = 120  # for one answer, on a busy machine
SHOWN = 20
NOBODY = "nobody"
CHECKS = [checks.status_code_conformance, checks.content_type_conformance, checks.response_schema_conformance]


def run() -> tuple[str, bool]:
    """Call every operation as each role; return the closing line, and whether there was no error."""
    django.setup()
    from reintegration.demo import DEMO_USERS  # needs the apps set up

    name, log = f"soak_api_{os.getpid()}", Path(tempfile.gettempdir()) / "iom_cases_soak.log"
    with databases.clone(name):
        tokens = {who: _token(name, who) for who in DEMO_USERS}
        environment = databases.environment(name)
        del environment["MIGRATION_DATABASE_URL"]
        with serving("iom_cases.wsgi", environment, log) as port:
            return _tried(f"http://127.0.0.1:{port}", tokens)


def _token(name: str, username: str) -> str:
    return databases.manage(name, "create_api_token", username).stdout.split()[-1]


def _tried(address: str, tokens: dict[str, str]) -> tuple[str, bool]:
    schema = schemathesis.openapi.from_url(f"{address}/api/v1/schema/", timeout=SECONDS)
    roles = [
        Role(address, who, {"Authorization": f"Token {tokens[who]}"} if who in tokens else {})
        for who in (*tokens, NOBODY)
    ]
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            made = operation.as_strategy(generation_mode=mode)  # takes longer to make than to use
            for role in roles:
                role.try_out(made)
    total: Counter = Counter()
    for role in roles:
        statuses = ", ".join(f"{role.count[key]} × {key}" for key in sorted(role.count) if key.isdecimal())
        say(f"  {role.who}: {statuses}")
        total += role.count
    line = (
        f"api roles {len(tokens) + 1} calls {total['calls']} server errors {total['server errors']} "
        f"undocumented {total['undocumented']}"
    )
    return line, total["calls"] > 0 and not total["server errors"] and not total["undocumented"]


class Role:
    """One user's program, the ids of rows that it knows, and a count of its answers."""

    def __init__(self, address: str, who: str, headers: dict[str, str]) -> None:
        self.address, self.who, self.headers = address, who, headers
        self.session, self.count, self.choose = requests.Session(), Counter(), random.Random(SEED)
        self.known = dict(self._rows()) if headers else {}

    def _rows(self) -> Iterator[tuple[str, list[str]]]:
        start = self.session.get(f"{self.address}/api/v1/", headers=self.headers).json()
        for path, where in start.items():
            rows = self.session.get(where, params={"page_size": KNOWN}, headers=self.headers).json()[
                "results"
            ]
            if rows:
                yield path, [row["id"] for row in rows]

    def try_out(self, made: Any) -> None:
        """Send some requests of one operation, valid or invalid; none where every value is valid."""
        wanted = settings(
            max_examples=EXAMPLES,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )

        @seed(SEED)
        @wanted
        @given(case=made)
        def send(case: Any) -> None:
            if self.choose.random() < 0.5:
                self._about_a_row(case)
            self._send(case)

        try:
            send()
        except Unsatisfiable:
            self.count["nothing to try"] += 1

    def _about_a_row(self, case: Any) -> None:
        """Put ids of existing rows where the request has some."""
        path = case.operation.path.removeprefix("/api/v1/").split("/")[0]
        for name in case.path_parameters or {}:
            if path in self.known:
                case.path_parameters[name] = self.choose.choice(self.known[path])
        if isinstance(case.body, dict):
            for name in case.body:
                if f"{name}s" in self.known:
                    case.body[name] = self.choose.choice(self.known[f"{name}s"])

    def _send(self, case: Any) -> None:
        try:
            answer = case.call(
                base_url=self.address, session=self.session, headers=self.headers, timeout=SECONDS
            )
        except (requests.exceptions.InvalidHeader, UnicodeEncodeError):
            return  # the client itself won't send it
        self.count["calls"] += 1
        self.count[str(answer.status_code)] += 1
        if answer.status_code >= 500:
            self._note("server errors", case, answer, "")
            return
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as group:
            self._note("undocumented", case, answer, "; ".join(str(one) for one in group.exceptions))

    def _note(self, kind: str, case: Any, answer: Any, why: str) -> None:
        self.count[kind] += 1
        if self.count[kind] <= SHOWN:
            say(f"  {kind}: {self.who} {case.method} {case.operation.path} {answer.status_code} {why[:400]}")
