"""Who may open what: every address and method, every demo user and a signed-out visitor, three targets.

The table below says what each user may do. Targets: `a`, a case of the first NGO that is shared with IOM;
`b`, one of the second NGO that isn't; `missing`, one that doesn't exist. An address without a row fails.
"""

from dataclasses import dataclass, field

import pytest

from reintegration.demo import DEMO_USERS
from tests import walks
from tests.access import targets
from tests.access.targets import NAMES, TARGETS
from tests.addresses import address_of, enter, patterns

keys = targets.keys
NOBODY = "nobody"
EVERYONE = (*DEMO_USERS, NOBODY)
A_WRITES = {"ngo_a_caseworker", "ngo_a_supervisor"}
A_READS = A_WRITES | {"ngo_a_reader"}
PROTECTION = {"protection_supervisor", "protection_supervisor_2"}
IOM_WRITES, IOM_READS = {"iom_supervisor"}, {"iom_supervisor"} | PROTECTION
B = {"ngo_b_caseworker"}
SUMMARY_READERS = {"iom_supervisor", "iom_approver", "iom_finance", "programme_manager"}
# Who reads a case file, by target; who may write it.
READS = {"a": A_READS | IOM_READS, "b": B, "missing": set()}
WRITES = {"a": A_WRITES | IOM_WRITES, "b": B, "missing": set()}
ERASES: dict[str, set] = {"a": {"ngo_a_supervisor"}, "b": set(), "missing": set()}
LEADS = {"a": A_WRITES, "b": B, "missing": set()}
# A grant of a case that isn't shared is still visible with summary access.
GRANTS = {"a": A_READS | IOM_READS | SUMMARY_READERS, "b": B | SUMMARY_READERS, "missing": set()}


@dataclass
class Row:
    """What an address answers. `get` and `post` return the status expected for a user and a target."""

    get: object
    post: object
    targets: tuple[str, ...] = ("a",)
    route: dict = field(default_factory=dict)
    patch: object = None


def _status(username: str, *, allowed: bool, found: bool = True, ok: int = 200, anonymous: int = 302) -> int:
    """302 (to sign in) when signed out, 404 for a hidden row, 403 for a visible one that the user may not
    change.
    """
    if username == NOBODY:
        return anonymous
    if not found:
        return 404
    return ok if allowed else 403


def page(who: set[str] | None = None):
    """A page that isn't about one case: for these users, or for all who are signed in."""
    return lambda username, target: _status(username, allowed=who is None or username in who)


def case_page(readers, writers=None, ok: int = 200):
    """A page about one case: 404 without read access, 403 with read access only."""
    writers = writers or readers
    return lambda username, target: _status(
        username, allowed=username in writers[target], found=username in readers[target], ok=ok
    )


def refused(username: str, target: str) -> int:
    """The method isn't allowed here; the signed-out are sent to sign in first."""
    return 302 if username == NOBODY else 405


def searching(who: set[str]):
    """A search form: redirects those who may see the list to its results."""
    return lambda username, target: 302 if username == NOBODY or username in who else 403


def sent(username: str, target: str) -> int:
    """A redirect for everyone: to the next page, or to sign in."""
    return 302


def page_of_nothing(username: str, target: str) -> int:
    """A page about the user's own things, of which no demo user has any."""
    return 302 if username == NOBODY else 404


def always(status: int):
    return lambda username, target: status


def own_team(username: str, target: str) -> int:
    """A user's open cases: for those who may reassign cases that the same organisation leads."""
    return _status(
        username, allowed=username in ASSIGNS, found=username in LEADS[target] or username not in ASSIGNS
    )


WRITERS = A_WRITES | IOM_WRITES | B
# Who assigns caseworkers: supervisors, and where there is none, whoever writes cases.
ASSIGNS = {"ngo_a_supervisor", "iom_supervisor"} | B
READERS = A_READS | IOM_READS | B
# A draft of the first NGO's caseworker; nobody else finds it.
DRAFT = {"a": {"ngo_a_caseworker"}, "b": B, "missing": set()}
# Unfinished interviews are decided on by a supervisor of the NGO, or without one by IOM's protection
# supervisors.
PROTECTS = {"protection_supervisor", "protection_supervisor_2"}
DECIDES_ON_DRAFTS = {"ngo_a_supervisor", "iom_supervisor", *PROTECTS}
DRAFTS_DECIDED = {"a": {"ngo_a_supervisor"}, "b": PROTECTS, "missing": set()}
# A referral to the other NGO: read on both sides, answered by those who write on either.
REFERRALS = {"a": A_READS | IOM_READS | B, "b": B | A_READS, "missing": set()}
ANSWERS = {"a": A_WRITES | B, "b": B | {"ngo_a_caseworker"}, "missing": set()}
# An offer of a case to an organisation without demo users: read by those who work on the case, taken back by
# its lead; the receiver's side is tested in tests/beneficiaries/test_transfer.py.
OFFERS, TAKES_BACK = READS, LEADS
REFERS = {"a": {"ngo_a_caseworker"}, "b": B, "missing": set()}
# The first NGO's caseworker is managed by its focal point, the second NGO's by no demo user; both have a
# password.
FOCAL = {"ngo_a_focal_point"}
# Requests for access: of NGO_A decided by its focal point; of NGO_B, which has no second user, by IOM.
REQUESTS: dict[str, set[str]] = {
    "a": FOCAL | {"ngo_a_supervisor"},
    "b": {"administrator", "protection_supervisor", "protection_supervisor_2"},
    "missing": set(),
}
STAFF = {"a": FOCAL, "b": set(), "missing": set()}
NOT_ONE: dict[str, set[str]] = {target: set() for target in TARGETS}
# Exports: made by those who may, each open to its requester alone; no demo user may approve one in a partner.
EXPORTS = {"ngo_a_caseworker", "ngo_a_supervisor", "ngo_b_caseworker", "iom_supervisor"}
VISIBLE_EXPORT = {"a": A_WRITES, "b": B, "missing": set()}  # by who may approve it, too
OWN_EXPORT: dict[str, set[str]] = {"a": {"ngo_a_caseworker"}, "b": {"ngo_b_caseworker"}, "missing": set()}
# Visits: found by those who read the case; recorded by those who write it.
DECIDES = {
    "endorse": {"iom_supervisor"},
    "approve": {"iom_approver"},
    "pay": {"iom_finance"},
    "refuse": {"iom_supervisor"},
}


def decision(action: str):
    """An empty form about a grant: shown again (200) to those who find the grant; the operation isn't called."""
    return case_page(GRANTS)


def program(allowed, ok: int = 200, anonymous: int = 401):
    """An address of the API that isn't about one row: problem details instead of a redirect to sign in."""
    return lambda username, target: _status(
        username, allowed=allowed is None or username in allowed, ok=ok, anonymous=anonymous
    )


def program_row(readers, deciders=None, ok: int = 200):
    """One row of the API: 404 without read access, 403 without the right to the action."""
    return lambda username, target: _status(
        username,
        allowed=deciders is None or username in deciders[target],
        found=username in readers[target],
        ok=ok,
        anonymous=401,
    )


def refused_program(username: str, target: str) -> int:
    return 401 if username == NOBODY else 405


# The table sends no JSON: 415 is the answer to those who may do an action, and is checked after 404 and 403.
FORM = 415
EMPTY = 400  # a PATCH without a body


def resource(
    name: str, readers, *, making: bool = False, actions: dict | None = None, correcting=None
) -> dict[str, Row]:
    """Return the addresses of one resource: its list, one of its rows, and its actions."""
    found = {
        f"api:{name}-list": Row(program(None), program(WRITERS, ok=FORM) if making else refused_program),
        f"api:{name}-detail": Row(program_row(readers), refused_program, TARGETS),
    }
    if correcting:
        found[f"api:{name}-detail"].patch = program_row(readers, correcting, ok=EMPTY)
    for action, deciders in (actions or {}).items():
        found[f"api:{name}-{action}"] = Row(refused_program, program_row(readers, deciders, ok=FORM), TARGETS)
    return found


AUDITOR = ("auditor",)
EVERYBODY = {"a": set(DEMO_USERS), "b": set(DEMO_USERS), "missing": set()}
# "refuse" is for whoever decides next: the API lets either find the action, and the grant's state decides.
EITHER = dict.fromkeys(TARGETS, DECIDES["refuse"] | DECIDES["approve"])
# A grant is withdrawn by its requester.
REQUESTED: dict[str, set[str]] = {"a": {"ngo_a_caseworker"}, "b": {"ngo_b_caseworker"}, "missing": set()}
API: dict[str, Row] = {
    "api:start": Row(program(None), refused_program),
    "api:schema": Row(always(200), always(405)),
    "api:docs": Row(always(200), always(405)),
    "api:missing": Row(program_row({"a": set()}), program_row({"a": set()})),
    **resource("organisation", EVERYBODY),
    **resource("project", EVERYBODY),
    **resource("criteria", EVERYBODY),
    **resource("indicator", EVERYBODY),
    **resource("beneficiary", READS, correcting=LEADS),
    **resource("identity-document", READS, making=True, correcting=LEADS),
    **resource("case", GRANTS, making=True, actions={"close": WRITES}),
    "api:case-file": Row(
        refused_program, refused_program, TARGETS, patch=program_row(GRANTS, WRITES, ok=EMPTY)
    ),
    **resource("consent", READS, making=True, correcting=LEADS, actions={"withdraw": LEADS}),
    **resource("risk-assessment", READS, making=True),
    **resource("screening", READS, making=True),
    **resource("enrolment", GRANTS, making=True),
    **resource("assessment", READS),
    **resource("document", READS),
    **resource("referral", REFERRALS, making=True, actions={"answer": ANSWERS}),
    **resource("transfer", OFFERS, making=True, actions={"answer": TAKES_BACK}),
    **resource("plan", READS, making=True, correcting=WRITES),
    **resource(
        "grant",
        GRANTS,
        making=True,
        actions={action: dict.fromkeys(TARGETS, DECIDES[action]) for action in ("endorse", "approve", "pay")}
        | {"refuse": EITHER, "withdraw": REQUESTED},
    ),
    **resource("instalment", GRANTS),
    **resource("follow-up", READS, correcting=WRITES, actions={"record": WRITES}),
    **resource("reminder", READS),
    **resource("audit-event", dict.fromkeys(TARGETS[:2], AUDITOR) | {"missing": set()}),
}


def emergency_case(username: str, target: str) -> int:
    return _status(username, allowed=username in PROTECTION, ok=302 if username in READS[target] else 200)


TABLE: dict[str, Row] = {
    **API,
    "dashboard": Row(page(), refused),
    "healthz": Row(always(200), always(405)),
    "readyz": Row(always(200), always(405)),
    "set_language": Row(always(405), always(302)),
    "accounts:sign-in": Row(
        lambda username, target: 200 if username == NOBODY else 302,
        lambda username, target: 200 if username == NOBODY else 302,
    ),
    # Without a valid password before it, the second step redirects to the first.
    "accounts:second-step": Row(always(302), always(302)),
    "accounts:confirm": Row(page(), page()),
    "accounts:sign-out": Row(always(405), always(302)),
    "accounts:security": Row(page(), refused),
    "accounts:factor-add-app": Row(page(), page()),
    "accounts:factor-remove-app": Row(page(), sent),
    "accounts:factor-add-passkey": Row(page(), page()),
    "accounts:factor-remove-passkey": Row(page_of_nothing, page_of_nothing),
    "accounts:recovery-codes": Row(sent, sent),
    "accounts:session-end": Row(refused, page_of_nothing),
    "accounts:session-end-others": Row(refused, sent),
    "accounts:token-add": Row(page(), page()),
    "accounts:token-confirm": Row(sent, page_of_nothing),
    "accounts:token-revoke": Row(refused, page_of_nothing),
    "accounts:password-change": Row(page(), page()),
    "accounts:password-forgotten": Row(always(200), always(200)),
    "accounts:password-reset": Row(always(404), always(404)),
    "accounts:notice-list": Row(page(), refused),
    "accounts:notice-mark-read": Row(refused, lambda username, target: 302),
    "accounts:role-list": Row(page(), refused),
    "accounts:invitation": Row(always(404), always(404)),
    "accounts:user-list": Row(page(FOCAL), refused),
    "accounts:access-request-list": Row(page(), refused),
    "accounts:access-request-detail": Row(case_page(REQUESTS), case_page(REQUESTS), TARGETS),
    "accounts:access-objection": Row(always(404), always(404)),
    "accounts:user-add": Row(page(FOCAL), page(FOCAL)),
    "accounts:user-detail": Row(case_page(STAFF), refused, TARGETS),
    "accounts:user-give-role": Row(case_page(STAFF), case_page(STAFF), TARGETS),
    "accounts:membership-change": Row(case_page(STAFF), case_page(STAFF), TARGETS),
    "accounts:user-end": Row(case_page(STAFF), case_page(STAFF), TARGETS),
    "accounts:user-invite": Row(refused, case_page(NOT_ONE), TARGETS),
    "beneficiaries:caseload-list": Row(page(ASSIGNS), refused),
    "beneficiaries:caseload-nobody": Row(page(ASSIGNS), page(ASSIGNS)),
    "beneficiaries:caseload-detail": Row(own_team, own_team, TARGETS),
    "beneficiaries:case-reassign": Row(case_page(READS, LEADS), case_page(READS, LEADS), TARGETS),
    "beneficiaries:case-list": Row(page(READERS), searching(READERS)),
    "beneficiaries:intake-consent": Row(page(WRITERS), page(WRITERS)),
    "beneficiaries:intake-consent-change": Row(case_page(DRAFT), case_page(DRAFT), TARGETS),
    "beneficiaries:draft-list": Row(page(DECIDES_ON_DRAFTS), refused),
    "beneficiaries:draft-reassign": Row(case_page(DRAFTS_DECIDED), case_page(DRAFTS_DECIDED), TARGETS),
    "beneficiaries:draft-decide": Row(case_page(DRAFTS_DECIDED), case_page(DRAFTS_DECIDED), TARGETS),
    "beneficiaries:intake-beneficiary": Row(case_page(DRAFT), case_page(DRAFT), TARGETS),
    "beneficiaries:intake-situation": Row(case_page(DRAFT, ok=302), case_page(DRAFT, ok=302), TARGETS),
    "beneficiaries:consent-share": Row(case_page(READS, LEADS), case_page(READS, LEADS), TARGETS),
    "beneficiaries:consent-correct": Row(case_page(READS, LEADS), case_page(READS, LEADS), TARGETS),
    "beneficiaries:consent-withdraw": Row(case_page(READS, LEADS), case_page(READS, LEADS), TARGETS),
    "beneficiaries:transfer-offer": Row(case_page(READS, REFERS), case_page(READS, REFERS), TARGETS),
    "beneficiaries:transfer-detail": Row(case_page(OFFERS), case_page(OFFERS, TAKES_BACK), TARGETS),
    "beneficiaries:case-readers": Row(case_page(READS), refused, TARGETS),
    # No demo user may erase in a partner.
    "beneficiaries:beneficiary-erase": Row(case_page(READS, ERASES), case_page(READS, ERASES), TARGETS),
    "beneficiaries:case-close": Row(case_page(READS, WRITES), case_page(READS, WRITES), TARGETS),
    "beneficiaries:note-add": Row(case_page(READS, WRITES), case_page(READS, WRITES), TARGETS),
    "beneficiaries:document-add": Row(case_page(READS, WRITES), case_page(READS, WRITES), TARGETS),
    "beneficiaries:document-file": Row(case_page(READS), refused, TARGETS),
    "beneficiaries:document-remove": Row(case_page(READS, LEADS), case_page(READS, LEADS), TARGETS),
    "beneficiaries:referral-send": Row(case_page(READS, REFERS), case_page(READS, REFERS), TARGETS),
    "beneficiaries:referral-list": Row(page(READERS), refused),
    "beneficiaries:referral-detail": Row(case_page(REFERRALS), case_page(REFERRALS, ANSWERS), TARGETS),
    "beneficiaries:export-list": Row(page(EXPORTS), refused),
    "beneficiaries:export-ask": Row(page(EXPORTS), page(EXPORTS)),
    "beneficiaries:export-detail": Row(
        case_page(VISIBLE_EXPORT), case_page(VISIBLE_EXPORT, NOT_ONE), TARGETS
    ),
    "beneficiaries:export-password": Row(case_page(OWN_EXPORT), refused, TARGETS),
    "beneficiaries:export-file": Row(case_page(OWN_EXPORT), refused, TARGETS),
    "beneficiaries:emergency-open": Row(page(PROTECTION), page(PROTECTION)),
    # A notice leads to the case for those who may read it, else to the same page whether the case exists or
    # not.
    "beneficiaries:emergency-case": Row(emergency_case, emergency_case, TARGETS),
    "beneficiaries:birth-read": Row(refused, page()),
    "day-read": Row(page(), refused),
    "beneficiaries:beneficiary-correct": Row(case_page(READS, LEADS), case_page(READS, LEADS), TARGETS),
    "beneficiaries:identity-document": Row(case_page(READS, LEADS), case_page(READS, LEADS), TARGETS),
    "beneficiaries:situation-correct": Row(case_page(READS, WRITES), case_page(READS, WRITES), TARGETS),
    "beneficiaries:risk-assess": Row(case_page(READS, WRITES), case_page(READS, WRITES), TARGETS),
    "case-detail": Row(case_page(READS), refused, TARGETS),
    "projects:project-list": Row(page(), refused),
    "project-detail": Row(page(), refused),
    "reintegration:log-list": Row(page(set(AUDITOR)), searching(set(AUDITOR))),
    "reintegration:admission-choose": Row(case_page(READS, WRITES), refused, TARGETS),
    "reintegration:admission-assess": Row(case_page(READS, WRITES), case_page(READS, WRITES), TARGETS),
    "reintegration:follow-up-correct": Row(case_page(READS, WRITES), case_page(READS, WRITES), TARGETS),
    "reintegration:plan-correct": Row(case_page(READS, WRITES), case_page(READS, WRITES), TARGETS),
    "reintegration:plan-agree": Row(case_page(READS, WRITES), case_page(READS, WRITES), TARGETS),
    "reintegration:grant-request": Row(case_page(READS, WRITES), case_page(READS, WRITES), TARGETS),
    "reintegration:grant-list": Row(page(READERS | SUMMARY_READERS), refused),
    "reintegration:grant-detail": Row(case_page(GRANTS), refused, TARGETS),
    "reintegration:grant-endorse": Row(refused, decision("endorse"), TARGETS),
    "reintegration:grant-approve": Row(refused, decision("approve"), TARGETS),
    "reintegration:grant-refuse": Row(refused, decision("refuse"), TARGETS),
    "reintegration:grant-pay": Row(refused, decision("pay"), TARGETS),
    "reintegration:grant-withdraw": Row(refused, decision("withdraw"), TARGETS),
    "reintegration:follow-up-list": Row(page(READERS), refused),
    "reintegration:follow-up-record": Row(case_page(READS, WRITES), case_page(READS, WRITES), TARGETS),
}


def _admin(username: str, target: str) -> set[int]:
    """The configuration: the administrator alone; everybody else meets no page at all."""
    return {200, 302, 403, 404, 405} if username == "administrator" else {302, 403, 404, 405}


def test_every_address_has_a_row():
    unlisted = [name for name, route in patterns() if not route.startswith("admin/") and name not in TABLE]
    assert unlisted == []
    assert set(TABLE) - {name for name, _ in patterns()} == set()


def cells_of(username: str, keys: dict) -> list[tuple]:
    """Return (name, target, method, address, expected status) of every cell of the table."""
    routes = dict(patterns())
    return [
        (name, target, method, address_of(routes[name], keys[target]), expected(username, target))
        for name, row in TABLE.items()
        for target in row.targets
        for method, expected in (("get", row.get), ("post", row.post), ("patch", row.patch))
        if expected is not None
    ]


def _admin_cells(username: str, keys: dict) -> list[tuple]:
    """Return the cells of the admin's pages."""
    return [
        (name, "a", method, address_of(route, keys["a"]), _admin(username, "a"))
        for name, route in patterns()
        if route.startswith("admin/")
        for method in ("get", "post")
    ]


def send_cells(client, demo_users, username: str, cells: list[tuple], keys: dict) -> list[str]:
    """Send every cell; return unexpected statuses, and words of hidden cases that an answer contains."""
    unexpected = []
    for name, target, method, address, expected in cells:
        enter(client, demo_users, username)
        response = getattr(client, method)(address)
        cell = f"{username} {method} {name} {target}"
        if response.status_code not in (expected if isinstance(expected, set) else {expected}):
            unexpected.append(f"{cell}: {response.status_code}, not {expected}")
        unexpected += [f"{cell}: shows {word}" for word in _leaked_words(response, username, address, keys)]
    return unexpected


def _leaked_words(response, username: str, address: str, keys: dict) -> list[str]:
    """Return words of cases in an answer that this user may not read there, except those in its own address."""
    answer = response.content.decode(errors="replace") + str(dict(response.headers))
    hidden = [word for target in NAMES if username not in READS[target] for word in NAMES[target]]
    hidden += [keys[target]["reference"] for target in NAMES if username not in GRANTS[target]]
    return [word for word in hidden if word in answer and word not in address]


@pytest.mark.django_db
@pytest.mark.parametrize(("username", "target"), [("ngo_a_caseworker", "a"), ("ngo_b_caseworker", "b")])
def test_the_caseworker_finds_the_words_that_are_hidden_from_others(
    client, demo_users, keys, username, target
):
    enter(client, demo_users, username)
    page = client.get(f"/cases/{keys[target]['reference']}/").content.decode()
    assert [word for word in NAMES[target] if word not in page] == []


# Those who send every cell in `make test`; the others share them there, and send every cell in `make soak`.
EVERY_CELL = ["ngo_a_caseworker", "ngo_b_caseworker", "iom_approver", "administrator", NOBODY]


@pytest.mark.django_db
@pytest.mark.parametrize("username", walks.parameters(EVERYONE, keep=EVERY_CELL))
def test_every_address_answers_as_the_table_says(client, demo_users, keys, tally, username):
    cells = cells_of(username, keys) + _admin_cells(username, keys)
    unexpected = send_cells(client, demo_users, username, cells, keys)
    tally("", len(cells), len(unexpected))
    assert unexpected == [], "\n".join(unexpected)


@pytest.mark.django_db
def test_every_address_answers_the_other_users_in_turn(client, demo_users, keys, tally):
    """Each cell is sent by one user, in turn."""
    unexpected, others = [], [username for username in EVERYONE if username not in EVERY_CELL]
    for number, username in enumerate(others):
        cells = (cells_of(username, keys) + _admin_cells(username, keys))[number :: len(others)]
        found = send_cells(client, demo_users, username, cells, keys)
        tally("in turn: ", len(cells), len(found))
        unexpected += found
    assert unexpected == [], "\n".join(unexpected)
