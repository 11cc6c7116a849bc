"""The users who open the pages, what they ask for, and how the database answers: printed as JSON.

Run by run.py in a process of its own, on one database, as the application.
"""

import json
import os
import sys
import time

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "iom_cases.settings"
django.setup()

import psycopg2  # noqa: E402
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.db import connection  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from accounts.authority import authority_of  # noqa: E402
from accounts.models import User  # noqa: E402
from accounts.session_store import SessionStore  # noqa: E402
from bench import baseline  # noqa: E402
from beneficiaries.models import Enrolment  # noqa: E402
from beneficiaries.queries.case import case_by_reference  # noqa: E402
from beneficiaries.queries.case_list import case_list, case_page, count_up_to  # noqa: E402
from core.context import acting_as  # noqa: E402
from geography.models import District  # noqa: E402
from reintegration.queries import case_parts  # noqa: E402

SUBJECTS = {"small": "ngo_b_caseworker", "largest": "ngo_a_caseworker"}
CASES, COUNTED = 40, 1000


def session_of(user: User) -> str:
    """Return the key of a real session, as signing in leaves it."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return session.session_key


def about(user: User) -> dict:
    """Return the session, the organisation, a district with many cases, and open cases that are in a
    programme.
    """
    district = District.objects.order_by("code")[0]
    with acting_as(user):
        (organisation,) = authority_of(user).where("read_cases")
        enrolled = Enrolment.objects.visible_to(user).filter(case__status="active").order_by("id")
        references = list(enrolled.values_list("case__reference", flat=True)[:CASES])
        exact = case_list(user).count()
    return {
        "session": session_of(user),
        "organisation": str(organisation),
        "district": str(district.pk),
        "district_code": district.code,
        "references": references,
        "cases": exact,
    }


def _times(rounds: int, *asked) -> list[list[float]]:
    """Return milliseconds of each, called in turn."""
    taken: list[list[float]] = [[] for _ in asked]
    for number in range(rounds + 5):
        for times, ask in zip(taken, asked, strict=True):
            started = time.perf_counter()
            ask()
            if number >= 5:
                times.append((time.perf_counter() - started) * 1000)
    return taken


def counts(user: User, organisation: str, rounds: int) -> dict[str, list[list[float]]]:
    """Time the count, capped and exact: our statement under scope and policies, through Django, and by hand."""
    hand = psycopg2.connect(os.environ["MIGRATION_DATABASE_URL"])
    hand.autocommit = True
    by_hand, found = hand.cursor(), {}
    with acting_as(user):
        for kind, most in (("capped", COUNTED), ("exact", None)):
            statement, values = _count_statement(user, most)
            by_hand_sql = baseline.COUNT.format(chosen="")
            by_hand_sql = by_hand_sql if most else by_hand_sql.replace("LIMIT 1001", "")

            def ours(statement=statement, values=values) -> int:
                with connection.cursor() as cursor:
                    cursor.execute(statement, values)
                    return cursor.fetchone()[0]

            def by_baseline(by_hand_sql=by_hand_sql) -> int:
                by_hand.execute(by_hand_sql, {"organisation": organisation})
                return by_hand.fetchone()[0]

            def through_django(most=most) -> int:
                return _count(user, most)

            if not ours() == by_baseline() == through_django():
                raise RuntimeError(f"the counts differ: {ours()}, {by_baseline()}, {through_django()}")
            found[kind] = _times(rounds, ours, by_baseline, through_django)
    hand.close()
    return found


def _count(user: User, most: int | None) -> int:
    rows = case_list(user)
    return rows.values("case_id").count() if most is None else count_up_to(rows, most)


def _count_statement(user: User, most: int | None) -> tuple[str, None]:
    """Return the statement that the list sends, with its values in it."""
    with CaptureQueriesContext(connection) as seen:
        _count(user, most)
    return seen.captured_queries[-1]["sql"], None


def plans(user: User, reference: str) -> dict[str, list[str]]:
    """Return EXPLAIN (ANALYZE, BUFFERS) of both pages' queries, as the application under the access policies."""
    with acting_as(user):
        with CaptureQueriesContext(connection) as listed:
            case_page(case_list(user), 0, 51)
            count_up_to(case_list(user), COUNTED)
        with CaptureQueriesContext(connection) as opened:
            case_parts(case_by_reference(user, reference), user)
        return {"list": _explained(listed), "detail": _explained(opened)}


def _explained(seen: CaptureQueriesContext) -> list[str]:
    printed = []
    with connection.cursor() as cursor:
        for query in seen.captured_queries:
            for _ in range(2):  # the second run finds its pages in memory
                cursor.execute("EXPLAIN (ANALYZE, BUFFERS) " + query["sql"])
                lines = [line for (line,) in cursor.fetchall()]
            printed.append("\n".join(lines))
    return printed


def settings() -> dict[str, str]:
    """Return the server's settings that matter here."""
    names = ("server_version", "shared_buffers", "work_mem", "fsync", "synchronous_commit", "jit")
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, current_setting(name) FROM unnest(%s) AS name", [list(names)])
        return dict(cursor.fetchall())


def main(rounds: int) -> None:
    """Print the facts about both subjects; counts and plans only if there are rounds."""
    printed: dict = {"settings": settings(), "subjects": {}}
    for name, username in SUBJECTS.items():
        user = User.objects.get(username=username)
        facts = about(user)
        if rounds:
            facts["counts"] = counts(user, facts["organisation"], rounds)
            facts["plans"] = plans(user, facts["references"][0])
        printed["subjects"][name] = facts
    print(json.dumps(printed))


if __name__ == "__main__":
    main(int(sys.argv[1]))
