"""Mixed requests of two NGOs and of nobody, through the site's own WSGI application on one kept connection.

Run with Django's environment, in a process of its own: `prepare` marks data of both NGOs and prints what the
requests need; `run` reads that, sends so many requests and prints the counts. Both speak JSON.
"""

import io
import json
import logging
import random
import sys
from collections import Counter
from typing import Any

import django

TOKENS = {"A": "Kanari", "B": "Bulbul"}
USERS = {"A": ("ngo_a_caseworker", "NGO_A"), "B": ("ngo_b_caseworker", "NGO_B")}
CASES = 3
SETTINGS = ("user_id", "reads", "edits", "summaries", "decides", "restricted", "counselling")
LISTS = ("/", "/cases/", "/grants/", "/follow-ups/", "/referrals/", "/notices/", "/projects/", "/cases/new/")
PROBES = ("/soak/fail/", "/soak/break/", "/soak/break/?caught=1", "/soak/stream/")


def prepare() -> dict[str, Any]:
    """Mark cases of both NGOs; return their sessions, tokens, addresses, and the words that only each may
    see.
    """
    from accounts.operations.token import create_api_token
    from api.resources import RESOURCES
    from core.clock import now
    from core.context import acting_as

    found: dict[str, Any] = {"sides": {}, "lists": [f"/api/v1/{kind.path}/" for kind in RESOURCES]}
    for side, (username, code) in USERS.items():
        user = _user(username)
        _token, text = create_api_token(user=user, name="soak", by=None, now=now())
        with acting_as(user):
            cases = [_marked_case(user, code, TOKENS[side]) for _ in range(CASES)]
            found["sides"][side] = {
                "session": _session(user),
                "token": text,
                "marks": [TOKENS[side], *_references(user)],
                "addresses": [address for case in cases for address in _addresses(case, user, RESOURCES)],
            }
    marks_a, marks_b = (set(found["sides"][side]["marks"]) for side in ("A", "B"))
    found["sides"]["A"]["marks"], found["sides"]["B"]["marks"] = (
        sorted(marks_a - marks_b),
        sorted(marks_b - marks_a),
    )
    return found


def _user(username: str):
    from accounts.models import User

    return User.objects.get(username=username)


def _session(user) -> str:
    from django.test import Client

    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value


def _marked_case(by, code: str, token: str):
    """Return a case with the token in its typed fields, with a grant and visits."""
    from beneficiaries.operations.note import add_note
    from core.clock import now
    from tests import factories

    person = factories.beneficiary_details(
        first_name=f"{token}First", second_name=f"{token}Second", phone="980-4417001"
    )
    situation = factories.a_situation(narrative=f"{token}Narrative", needs=f"{token}Needs")
    case = factories.a_case(by, code, details=person, situation=situation)
    add_note(case=case, text=f"{token}Note", confidentiality="counselling", by=by, now=now())
    factories.requested(factories.planned(case, by), by)
    return case


def _references(user) -> list[str]:
    from beneficiaries.models import CaseAccess

    return sorted(set(CaseAccess.objects.visible_to(user).values_list("reference", flat=True)))


def _addresses(case, user, resources) -> list[str]:
    """Return every page and every row of the API that shows something of the case."""
    from reintegration.models import FollowUp, Grant

    found = [
        f"/cases/{case.reference}/",
        f"/cases/{case.reference}/close/",
        f"/api/v1/cases/?reference={case.reference}",
    ]
    found += [f"/grants/{grant.pk}/" for grant in Grant.objects.visible_to(user).filter(case=case)]
    found += [f"/follow-ups/{row.pk}/" for row in FollowUp.objects.visible_to(user).filter(case=case)]
    for kind in resources:
        rows = kind.rows(user)
        if kind.noun == "beneficiary":
            rows = rows.filter(pk=case.beneficiary_id)
        elif kind.noun == "case":
            rows = rows.filter(pk=case.pk)
        elif hasattr(rows.model, "case"):
            rows = rows.filter(case=case)
        else:
            continue
        found += [f"/api/v1/{kind.path}/{row.pk}/" for row in rows]
    return found


class Traffic:
    """One process, one connection, and counts of everything."""

    def __init__(self, prepared: dict[str, Any], seed: int) -> None:
        from django.core.wsgi import get_wsgi_application

        self.application, self.prepared = get_wsgi_application(), prepared
        self.choose, self.count = random.Random(seed), Counter()
        self.backends: set[int] = set()

    def send(self, requests: int) -> dict[str, Any]:
        """Send so many requests; return the counts."""
        for _ in range(requests):
            self.one()
        return {**self.count, "backends": sorted(self.backends)}

    def one(self) -> None:
        """Send one request of somebody and count: foreign words, own words, and what is left of its context."""
        side = self.choose.choice(("A", "B", "nobody"))
        path = self.address()
        headers = self.proof(side, path)
        is_leaving = path.endswith("/stream/") and self.choose.random() < 0.5
        status, body = self.call(path, headers, is_leaving=is_leaving)
        self.count["requests"] += 1
        self.count[f"status {status}"] += 1
        late = body.partition("late:")[2]
        for other in {"A", "B"} - {side}:
            foreign = [
                mark for mark in self.prepared["sides"][other]["marks"] if mark in body and mark not in path
            ]
            self.count["foreign"] += len(foreign)
            if foreign:
                sys.stderr.write(f"{side} {path}: {foreign[:3]}\n")
        if side != "nobody":
            self.count[f"own {side}"] += any(mark in body for mark in self.prepared["sides"][side]["marks"])
        # A stream's queries after the request run as the same user: they find this user's rows only.
        self.count["late"] += side != "nobody" and TOKENS[side] in late
        self.count["left"] += self.is_something_left()

    def address(self) -> str:
        """Return a list, a row of either NGO, a list of the API, or an address that fails."""
        kind = self.choose.random()
        if kind < 0.08:
            return self.choose.choice(PROBES)
        if kind < 0.3:
            return self.choose.choice(LISTS)
        if kind < 0.45:
            return self.choose.choice(self.prepared["lists"]) + "?page_size=200"
        return self.choose.choice(self.prepared["sides"][self.choose.choice("AB")]["addresses"])

    def proof(self, side: str, path: str) -> dict[str, str]:
        """Return headers with a session, a token, or a token besides the other NGO's session, in which case
        the token decides.
        """
        if side == "nobody":
            return {}
        own, other = self.prepared["sides"][side], self.prepared["sides"]["B" if side == "A" else "A"]
        session = {"HTTP_COOKIE": f"sessionid={own['session']}"}
        token = {"HTTP_AUTHORIZATION": f"Token {own['token']}"}
        if not path.startswith("/api/"):
            return session
        beside = {**token, "HTTP_COOKIE": f"sessionid={other['session']}"}
        return self.choose.choice((session, token, beside))

    def call(self, path: str, headers: dict[str, str], *, is_leaving: bool) -> tuple[int, str]:
        """Call the application as a server would; with `is_leaving` read only the first piece."""
        place, _mark, query = path.partition("?")
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": place,
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": io.StringIO(),
            "wsgi.url_scheme": "http",
            **headers,
        }
        begun: list[Any] = []
        answer = self.application(environ, lambda status, names, error=None: begun.extend((status, names)))
        try:
            pieces = iter(answer)
            body = next(pieces, b"") if is_leaving else b"".join(pieces)
        finally:
            if hasattr(answer, "close"):
                answer.close()
        names = "\n".join(f"{name}: {value}" for name, value in begun[1])
        return int(begun[0].split()[0]), f"{names}\n{body.decode(errors='replace')}"

    def is_something_left(self) -> bool:
        """Whether the connection is still entered for a user outside every transaction."""
        from django.db import connection

        asked = ", ".join(f"coalesce(current_setting('access.{name}', true), '')" for name in SETTINGS)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT pg_backend_pid(), {asked}, (SELECT count(*) FROM beneficiaries_case)")
            backend, *left, rows = cursor.fetchone()
        self.backends.add(backend)
        return any(left) or rows > 0


def main(arguments: list[str]) -> None:
    """Run the command `prepare` or `run`."""
    django.setup()
    if arguments[0] == "prepare":
        print(json.dumps(prepare()))
        return
    from django.conf import settings
    from django.db import connection

    settings.ROOT_URLCONF = "soak.probes"
    connection.settings_dict["CONN_MAX_AGE"] = None  # one connection, kept to the end
    logging.disable()  # the errors raised on purpose would fill the terminal
    requests, seed = int(arguments[1]), int(arguments[2])
    print(json.dumps(Traffic(json.load(sys.stdin), seed).send(requests)))


if __name__ == "__main__":
    main(sys.argv[1:])
