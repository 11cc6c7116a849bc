"""What PostgreSQL's own catalogue says of the access policies: no table, policy, role or function is missing.

Everything here is read from the catalogue and compared with lists in this file, so that something new fails
until it is listed with its reason.
"""

import re

import pytest
from django.db import DatabaseError, connection, transaction

from core import policies
from core.access import AccessPolicy, Open
from core.context import enter
from core.models import OPEN_TABLES, AuditEvent
from tests import databases

pytestmark = pytest.mark.django_db

# Functions of the schema `access` that the application may call. Those that read or change rows across
# organisations are listed with what they return in docs/architecture.md; the others say which user this
# transaction is for.
CONTEXT = {
    "user_id",
    "has_user",
    "organisations_with",
    "projects_with",
    "audits",
    "mailbox",  # of an address that it is given
}
REVIEWED = {
    "has_cases",
    "shares_mailbox",
    "programmes_of_role",
    "is_guarded",
    "approvers",
    "decide_access",
    "stop_access",
    "use_access",
    "enter",
    "granted_to",
    "claim_mail",
    "settle_mail",
    "access_drift",
    "break_glass",
    "transfer_case",
    "end_transfer",
    "open_cases_of",
    "open_grants_of",
    "hand_over_cases",
    "cases_without_caseworker",
    "open_work_of",
    "grants_waiting_in",
    "programme_totals",
    "left_for_grants",
    "data_keys_of",
    "erase_beneficiary",
    "drafts_to_reassign",
    "reassign_draft",
    "keep_draft",
    "delete_draft",
    "next_draft_to_warn",
    "delete_expired_draft",
    "files_known",
    "files_refused",
    "next_to_scan",
    "settle_scan",
    "claim_export",
    "settle_export",
    "expire_export",
    "readers_of_case",
    "unusual_reading",
    "references_in_log",
    "case_in_log",
    "next_due_reminder",
    "reminders_without_recipient",
}
# These run as their caller: triggers that read settings of the transaction, and a function for reviewed ones alone.
INVOKERS = {
    "name_key",
    "empty_erased",
    "document_transition",
    "draft_stays",
    "draft_waits",
    "record_has_next_version",
    "consent_stays",
    "referral_transition",
    "export_transition",
    "grant_transition",
    "grant_starts",
    "case_stays",
    "own_password",
    "factor_is_own",
    "user_stays",
    "role_stays",
    "organisation_stays",
    "begun_membership_stays",
    "code_stays",
    "own_token",
    "lead_names_caseworker",
    "risk_is_assessed",
    "role_decides_once",
    "role_follows_its_own",
    "sign_audit_event",
    "sweep_moment",
    "sweep_lease",
    "sweep_day",
    "audit_text",
    "audit_digest",
}


# Tables that Django makes and nothing here uses: roles and permissions belong to organisations, never to
# users. The application may do nothing with them.
SHUT = {"accounts_user_groups", "accounts_user_user_permissions"}
WORDS = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"]


def _rows(statement: str, *values) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def _tables() -> list[str]:
    return [
        name
        for (name,) in _rows(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') "
            "ORDER BY relname"
        )
    ]


def _protected() -> set[str]:
    return {
        model._meta.db_table
        for model in policies.own_models()
        if isinstance(policies.policy_of(model), AccessPolicy)
    }


def test_every_table_is_protected_or_listed_as_open():
    found = set(_tables())
    opened = policies.open_tables()
    assert found == _protected() | set(opened) | SHUT
    assert not _protected() & set(opened) | SHUT & (_protected() | set(opened))
    assert all(isinstance(entry, Open) and entry.because for entry in opened.values())
    assert set(OPEN_TABLES) <= found
    for table in SHUT:
        assert not any(
            has
            for (has,) in _rows(
                "SELECT has_table_privilege('iom_app', %s, word) FROM unnest(%s) word", table, WORDS
            )
        ), table


def test_exactly_the_protected_tables_enforce_row_security():
    enforced = _rows(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') "
        "AND relrowsecurity AND relforcerowsecurity"
    )
    assert {name for (name,) in enforced} == _protected()


def test_without_a_user_no_protected_table_shows_a_row():
    """From the catalogue's own list, so that tables without a model are included."""
    enter(None)
    shown = {}
    for table in sorted(set(_tables()) - set(policies.open_tables())):
        try:
            with transaction.atomic():
                shown[table] = _rows(f"SELECT count(*) FROM {table}")[0][0]
        except DatabaseError as error:
            if "permission denied" not in str(error):
                raise
            shown[table] = None
    assert set(shown.values()) <= {0, None}
    refused = {table for table, count in shown.items() if count is None}
    unread = {
        model._meta.db_table
        for model in policies.own_models()
        if model._meta.db_table in _protected() and policies.conditions(model)["select"] is None
    }
    assert refused == unread | SHUT


ALWAYS = re.compile(r"\b(or|using|check)\s*\(*\s*(not\s+false|true|1\s*=\s*1|'t'::boolean)\b", re.I)


@pytest.mark.parametrize(
    "text", ["true", "(true)", "(a = 1) OR true", "((x) OR (1 = 1))", "(a OR (NOT false))"]
)
def test_a_condition_that_is_always_true_is_found(text):
    assert ALWAYS.search(f"USING ({text})")


def test_no_policy_is_always_true():
    found = _rows(
        "SELECT tablename, policyname, cmd, permissive, roles::text, qual, with_check FROM pg_policies"
    )
    assert found
    for table, name, command, permissive, roles, using, check in found:
        assert (command, permissive, roles) in {
            (word, "PERMISSIVE", "{iom_app}") for word in ("SELECT", "INSERT", "UPDATE", "DELETE")
        }, (table, name)
        for text in (using, check):
            assert text is None or not ALWAYS.search(f"USING ({text})"), (table, name, text)
        assert (using is not None) == (command != "INSERT"), (table, name)
        assert (check is not None) == (command in ("INSERT", "UPDATE")), (table, name)


def test_each_policy_depends_on_the_user():
    """A condition that calls no function of the context would be the same for everybody."""
    blind = [
        (table, command)
        for table, command, text in _rows(
            "SELECT tablename, cmd, coalesce(qual, '') || coalesce(with_check, '') FROM pg_policies"
        )
        if not any(f"access.{name}(" in text for name in CONTEXT)
    ]
    assert blind == []


def test_the_application_owns_nothing_and_is_nobody_else():
    owned = _rows(
        "SELECT 'table', count(*) FROM pg_class WHERE relowner = 'iom_app'::regrole "
        "UNION ALL SELECT 'function', count(*) FROM pg_proc WHERE proowner = 'iom_app'::regrole "
        "UNION ALL SELECT 'schema', count(*) FROM pg_namespace WHERE nspowner = 'iom_app'::regrole "
        "UNION ALL SELECT 'type', count(*) FROM pg_type WHERE typowner = 'iom_app'::regrole "
        "UNION ALL SELECT 'database', count(*) FROM pg_database WHERE datdba = 'iom_app'::regrole"
    )
    assert {kind for kind, count in owned if count} == set()
    assert _rows(
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication FROM pg_roles "
        "WHERE rolname = current_user"
    ) == [(False, False, False, False, False)]
    assert _rows("SELECT session_user::text, current_user::text") == [("iom_app", "iom_app")]
    # A member of no role, even indirectly; and nobody signs in as the functions' owner.
    assert (
        _rows(
            "SELECT rolname::text FROM pg_roles WHERE pg_has_role('iom_app', oid, 'MEMBER') AND rolname <> 'iom_app'"
        )
        == []
    )
    assert _rows("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'iom_functions'") == [(False,)]


def test_the_application_can_create_nothing_in_this_database():
    """No schema to put a table or function into, temporary ones included: no name can hide another."""
    assert (
        _rows("SELECT nspname::text FROM pg_namespace WHERE has_schema_privilege('iom_app', oid, 'CREATE')")
        == []
    )
    assert _rows(
        "SELECT has_database_privilege('iom_app', current_database(), word) FROM unnest(ARRAY['TEMP', 'CREATE']) word"
    ) == [(False,), (False,)]


def test_the_applications_privileges_follow_each_tables_policy():
    for model in policies.own_models():
        policy = policies.policy_of(model)
        if isinstance(policy, AccessPolicy):
            wanted = {name for name, sql in policies.conditions(model).items() if sql is not None}
        else:
            opened = policies.open_tables().get(model._meta.db_table, Open((), "shut"))
            wanted = {name.lower() for name in opened.commands}
        granted = {
            word
            for (word, has) in _rows(
                "SELECT lower(word), has_table_privilege('iom_app', %s, word) FROM unnest(%s) word",
                model._meta.db_table,
                WORDS,
            )
            if has
        }
        unread = getattr(model, "never_read", ())
        assert granted == (wanted - {"select"} if unread else wanted), model._meta.label
    columns = _rows(
        "SELECT attname::text, attacl::text FROM pg_attribute WHERE attacl::text LIKE '%%iom_app%%'"
    )
    read = {field.column for field in AuditEvent._meta.concrete_fields} - {"encrypted_changes"}
    assert {name: rights.split("=")[1].split("/")[0] for name, rights in columns} == dict.fromkeys(
        read, "r"
    ), "privileges on single columns, besides those on tables"


def _functions() -> dict[str, dict]:
    rows = _rows(
        "SELECT proname::text, prosecdef, proowner::regrole::text, coalesce(proconfig::text, ''), "
        "has_function_privilege('iom_app', oid, 'EXECUTE'), prorettype = 'trigger'::regtype, "
        "proacl IS NULL OR EXISTS (SELECT 1 FROM aclexplode(proacl) a WHERE a.grantee = 0) "
        "FROM pg_proc WHERE pronamespace = 'access'::regnamespace"
    )
    names = ("definer", "owner", "settings", "callable", "trigger", "public")
    assert len({row[0] for row in rows}) == len(rows), "two functions of one name"
    return {row[0]: dict(zip(names, row[1:], strict=True)) for row in rows}


def test_the_access_functions_have_a_fixed_path_an_owner_and_no_public_access():
    for name, found in _functions().items():
        assert not found["public"], name
        assert found["owner"] in ("iom_functions", "iom_owner"), name
        if found["definer"]:
            assert found["owner"] == "iom_functions", name
            assert "search_path=pg_catalog, public" in found["settings"], name
        else:
            assert name in CONTEXT | INVOKERS, name


def test_no_function_outside_the_access_schema_runs_as_its_owner():
    assert (
        _rows(
            "SELECT oid::regprocedure::text FROM pg_proc WHERE prosecdef "
            "AND pronamespace NOT IN ('access'::regnamespace, 'pg_catalog'::regnamespace) "
            "AND pronamespace::regnamespace::text <> 'tests'"  # of tests/databases.py: no such schema elsewhere
        )
        == []
    )


def test_the_application_calls_these_functions_and_no_others():
    callable_ones = {name for name, found in _functions().items() if found["callable"]}
    assert callable_ones == CONTEXT | REVIEWED


def test_every_callable_function_is_described_in_the_architecture():
    text = (databases.ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    assert {name for name in REVIEWED | CONTEXT if not re.search(rf"`{name}\(|\b{name}\(", text)} == set()


def test_no_view_and_no_sequence_shows_rows():
    assert (
        _rows(
            "SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('v', 'm', 'f') "
            "AND relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema') "
            "AND has_table_privilege('iom_app', oid, 'SELECT')"
        )
        == []
    )
    # A counter would show how many rows others wrote: no protected table has one.
    counted = _rows(
        "SELECT DISTINCT d.refobjid::regclass::text FROM pg_class s JOIN pg_depend d ON d.objid = s.oid "
        "WHERE s.relkind = 'S' AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')"
    )
    assert {table for (table,) in counted} & _protected() == set()


def test_there_are_no_default_privileges():
    """Default privileges would open a new table or function to the application before it has its policies."""
    assert _rows("SELECT defaclrole::regrole::text, defaclacl::text FROM pg_default_acl") == []
