"""`make bench`: what the access policies cost, as ratios measured in one run.

Whole HTML pages over HTTP, uncached, gunicorn with two sync workers, signed in by a real session, scope and
policies on; each against the baseline (bench/baseline.py) or django-guardian (bench/guarded), in turn. Exits
with 1 if a ratio is over its bar.
"""

import argparse
import json
import re
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import database, permissions, report
from bench.measure import Figure, figure, in_turn, readers_in_turn, same
from bench.web import Page, serving

DEEP = 5000
READERS = 20
# Those of bench/without.py.
FAST_WAYS = ("statements", "related", "tables", "tables_loop", "plain_select", "of", "all")
REFERENCE = re.compile(rb"\b[1-9A-HJKMNP-Z]{4}-[1-9A-HJKMNP-Z]{3}-[1-9A-HJKMNP-Z]\b")
TAG = re.compile(rb"<[^>]*>")
BASELINE, GENERIC, DIRECT = "baseline by hand", "guardian, generic table", "guardian, direct foreign keys"


def references(page: bytes) -> set[bytes]:
    """Return the case references on a page."""
    return set(REFERENCE.findall(page))


def words(page: bytes) -> set[tuple[int, bytes]]:
    """Return the words on a page with their places."""
    return set(enumerate(TAG.sub(b" ", page).split()))


class Sites:
    """The servers of one run, each started for its first page, and pages on them."""

    def __init__(self, stack: ExitStack, large: str, little: str) -> None:
        self.stack, self.ports = stack, {}
        big, low = database.environment(large), database.environment(little)
        ours, other = _without_owner(big), _without_owner(low)
        app, guarded = "iom_cases.wsgi", "bench.guarded.wsgi"
        plain_log = {
            "GUNICORN_CMD_ARGS": "--logger-class gunicorn.glogging.Logger"
        }  # the site's needs Django
        self.servers = {
            "ours": (app, ours),
            "little": (app, other),
            "baseline": ("bench.baseline:application", big | plain_log),
            "timed": ("bench.timed", ours),
            "unrecorded": ("bench.unrecorded", ours),
            **{way: ("bench.without", ours | {"WITHOUT": way}) for way in FAST_WAYS},
        }
        for kind in ("generic", "direct"):
            own = {"DJANGO_SETTINGS_MODULE": "bench.guarded.settings", "GUARDED_BY": kind}
            self.servers |= {kind: (guarded, big | own), f"timed_{kind}": ("bench.timed", big | own)}

    def page(self, site: str, path: str, subject: dict | None = None) -> Page:
        """Return a page of a site, opened by the subject's session where one is given."""
        if site not in self.ports:
            log = Path(tempfile.gettempdir()) / "iom_cases_bench.log"
            self.ports[site] = self.stack.enter_context(serving(*self.servers[site], log))
        cookie = {"Cookie": f"sessionid={subject['session']}"} if subject else {}
        return Page(self.ports[site], path, {"Host": "localhost", **cookie}, site.startswith("timed"))


def _without_owner(environment: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name != "MIGRATION_DATABASE_URL"}


def pages(sites: Sites, who: str, subject: dict, rounds: int) -> list[Figure]:
    """Measure the list and the case file against the baseline."""
    asked = f"organisation={subject['organisation']}"
    chosen = f"status=active&district={subject['district_code']}"
    deep = min(DEEP, subject["cases"] // 2)
    lists = {
        "first": ("/cases/", f"/list?{asked}"),
        "filtered": (f"/cases/?{chosen}", f"/list?{asked}&status=active&district_id={subject['district']}"),
        "deep": (f"/cases/?from={deep}", f"/list?{asked}&start={deep}"),
    }
    found = []
    for kind, (path, baseline) in lists.items():
        ours, other = sites.page("ours", path, subject), sites.page("baseline", baseline)
        same(ours, other, references, 20)
        found.append(figure(f"list_page/{kind}/{who}", *_turns([ours], BASELINE, [other], rounds), 8))
    files = [sites.page("ours", f"/cases/{reference}/", subject) for reference in subject["references"]]
    baselines = [
        sites.page("baseline", f"/case?reference={reference}") for reference in subject["references"]
    ]
    same(files[0], baselines[0], references, 1)
    return [*found, figure(f"case_detail/{who}", *_turns(files, BASELINE, baselines, rounds), 9)]


def _turns(ours: list[Page], against: str, others: list[Page], rounds: int) -> tuple[list, str, list]:
    times_ours, times_other = in_turn(ours, others, rounds)
    return times_ours, against, times_other


def guarded(sites: Sites, who: str, subject: dict, rounds: int) -> list[Figure]:
    """Measure the first page against both of guardian's tables, and where guardian counts to a thousand as
    ours does.
    """
    ours, found = sites.page("ours", "/cases/", subject), []
    for kind, against, bar, bar_in_database in (
        ("generic", GENERIC, 1 / 12, 1 / 25),
        ("direct", DIRECT, 1 / 6, 1 / 12),
    ):
        times = max(6, rounds // (10 if kind == "generic" else 3))
        for variant, path, its_bar in (("", "/cases/", bar), ("/capped", "/cases/?capped", None)):
            other = sites.page(kind, path, subject)
            same(ours, other, references, 50)
            turns = _turns([ours], against, [other], times)
            found.append(figure(f"list_page/guardian_{kind}{variant}/{who}", *turns, its_bar))
        asked = sites.page("timed", "/cases/", subject), sites.page(f"timed_{kind}", "/cases/", subject)
        same(*asked, references, 50)
        turns = _turns([asked[0]], f"{against}, in the database", [asked[1]], times)
        found.append(figure(f"list_page/guardian_{kind}/in_database/{who}", *turns, bar_in_database))
    return found


def growth(sites: Sites, who: str, subject: dict, rounds: int) -> list[Figure]:
    """Measure the first page of the list in the large database against the small one."""
    ours, other = sites.page("ours", "/cases/", subject), sites.page("little", "/cases/", subject["before"])
    same(other, other, references, 50)
    turns = _turns([ours], "the same page with few people", [other], rounds)
    return [figure(f"list_growth/{who}", *turns, 1.5)]


def recorded(sites: Sites, who: str, subject: dict, rounds: int) -> list[Figure]:
    """Measure the case file and the list with and without the audit log of reading; 20 readers at once."""
    found = []
    path = f"/cases/{subject['references'][0]}/"
    for name, address in (("case_detail", path), ("list_page", "/cases/")):
        ours, other = sites.page("ours", address, subject), sites.page("unrecorded", address, subject)
        same(ours, other, references, 1)
        turns = readers_in_turn(ours, other, readers=READERS, rounds=max(2, rounds // READERS))
        found.append(
            figure(f"{name}/recorded/{who}", turns[0], "the same page without the audit log", turns[1], None)
        )
    return found


def without(sites: Sites, who: str, subject: dict, rounds: int) -> list[Figure]:
    """Measure the list and case files with each fast way replaced by plain Django, against the site as it is."""
    pages_of = {
        "list_page": ["/cases/"],
        "case_detail": [f"/cases/{reference}/" for reference in subject["references"]],
    }
    found = []
    for way in FAST_WAYS:
        for kind, paths in pages_of.items():
            plain = [sites.page(way, path, subject) for path in paths]
            ours = [sites.page("ours", path, subject) for path in paths]
            for one, other in zip(plain, ours, strict=True):
                same(one, other, words, 50)
            turns = _turns(plain, "the site as it is", ours, rounds)
            found.append(figure(f"without/{way}/{kind}/{who}", *turns, None))
    return found


def counted(sites: Sites, who: str, subject: dict, rounds: int) -> list[Figure]:
    """Compare the count's statement under scope and policies with the same by hand; through Django for
    information.
    """
    found = []
    for kind, (ours, baseline, through) in subject["counts"].items():
        third = len(ours) // 3
        parts = [
            [times[i * third : (i + 1) * third] for i in range(3)] for times in (ours, baseline, through)
        ]
        found.append(figure(f"list_count/{kind}/{who}", parts[0], BASELINE, parts[1], 2.2))
        found.append(figure(f"list_count/{kind}_through_django/{who}", parts[2], BASELINE, parts[1], None))
    return found


# Each is called with the servers, who the subject is, the subject and the number of rounds.
PARTS = {
    "pages": pages,
    "counted": counted,
    "growth": growth,
    "recorded": recorded,
    "guarded": guarded,
    "without": without,
}


def measure(arguments: argparse.Namespace) -> tuple[list[Figure], dict]:
    """Measure the parts that are asked for; return the figures, and the facts about databases and subjects."""
    large, little = database.ensure(arguments.people), database.ensure(arguments.few)
    if arguments.only in (None, "guarded"):
        permissions.ensure(large)
    counts = arguments.rounds * 3 if arguments.only in (None, "counted") else 0
    facts = json.loads(database.run(large, "-m", "bench.subjects", str(counts)))
    before = json.loads(database.run(little, "-m", "bench.subjects", "0"))["subjects"]
    found: list[Figure] = []
    with ExitStack() as stack:
        sites = Sites(stack, large, little)
        for who, subject in facts["subjects"].items():
            database.say(f"As a caseworker of the {who} NGO, {subject['cases']:,} cases …")
            subject["before"] = before[who]
            for part in [arguments.only] if arguments.only else PARTS:
                found += PARTS[part](sites, who, subject, arguments.rounds)
    return found, facts


def main() -> int:
    """Run the bench; return the exit code. With `--only` the results are printed and not written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000, help="people in the database")
    parser.add_argument(
        "--few", type=int, default=10_000, help="people in the database that growth starts from"
    )
    parser.add_argument("--rounds", type=int, default=100, help="pages a repeat; three repeats")
    parser.add_argument("--only", choices=PARTS, help="measure this part alone, and write no results")
    arguments = parser.parse_args()
    found, facts = measure(arguments)
    if not arguments.only:
        report.write(found, facts, arguments)
    for one in found:
        database.say(report.line(one))
    return 0 if all(one.holds is not False for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
