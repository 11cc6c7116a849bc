"""What `migrate` makes: what differs from the catalogue, and nothing else."""

import pytest
from django.core.management import call_command
from django.db import connections

from core import catalogue
from core.access import AccessPolicy
from core.models import DenialCount


@pytest.fixture(autouse=True)
def _as_owner(committed, monkeypatch):
    """Point the owner's connection to this test's database."""
    monkeypatch.setitem(connections["owner"].settings_dict, "NAME", committed)
    connections["owner"].close()
    yield
    connections["owner"].close()


def updated() -> list[str]:
    return catalogue.update(connections["owner"])


def test_a_second_time_nothing_is_made(owner):
    statement = "SELECT md5(string_agg(xmin::text, ' ' ORDER BY oid)) FROM pg_%s"
    before = []
    for table in ("policy", "proc", "trigger", "constraint"):
        owner.execute(statement % table)
        before.append(owner.fetchone())
    assert updated() == []
    for table, digest in zip(("policy", "proc", "trigger", "constraint"), before, strict=True):
        owner.execute(statement % table)
        assert owner.fetchone() == digest, table


@pytest.mark.parametrize(
    ("change", "made"),
    [
        ("DROP POLICY core_denialcount_select ON core_denialcount", ["table core_denialcount"]),
        (
            "ALTER POLICY core_denialcount_select ON core_denialcount USING (true)",
            ["table core_denialcount"],
        ),
        ("ALTER TABLE core_denialcount NO FORCE ROW LEVEL SECURITY", ["table core_denialcount"]),
        ("GRANT DELETE ON core_denialcount TO iom_app", ["table core_denialcount"]),
        ("GRANT SELECT ON core_auditlink TO iom_app", ["table core_auditlink"]),
        (
            "CREATE OR REPLACE FUNCTION access.audits() RETURNS boolean LANGUAGE sql AS 'SELECT true'",
            ["accounts/010_enter.sql"],
        ),
        ("GRANT EXECUTE ON FUNCTION access.audits() TO PUBLIC", ["accounts/010_enter.sql"]),
        ("ALTER FUNCTION access.enter(uuid) OWNER TO iom_owner", ["accounts/010_enter.sql"]),
        ("DROP TRIGGER code_stays ON projects_project", ["projects/020_programmes.sql"]),
        ("ALTER TABLE projects_project DISABLE TRIGGER code_stays", ["projects/020_programmes.sql"]),
        (
            "CREATE OR REPLACE VIEW access.granted AS SELECT id AS user_id, NULL::uuid AS organisation_id, "
            "NULL::uuid AS project_id, 'read_cases'::text AS permission FROM accounts_user",
            ["granted"],
        ),
        (
            "ALTER TABLE reintegration_plan DROP CONSTRAINT reintegration_plan_enrolment_id_same_case",
            ["reintegration_plan_enrolment_id_same_case"],
        ),
        (
            "CREATE FUNCTION access.forgotten(uuid) RETURNS uuid LANGUAGE sql AS 'SELECT $1'",
            ["function access.forgotten(uuid)"],
        ),
        (
            "CREATE FUNCTION access.audits(uuid) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
            ["accounts/010_enter.sql", "function access.audits(uuid)"],
        ),
        (
            "CREATE TRIGGER forgotten BEFORE UPDATE ON projects_project FOR EACH ROW "
            "EXECUTE FUNCTION access.code_stays()",
            ["trigger forgotten on projects_project"],
        ),
    ],
)
def test_what_somebody_changed_by_hand_is_made_again_and_nothing_else(owner, change, made):
    before = catalogue.described(owner)
    owner.execute(change)
    assert updated() == made
    assert catalogue.described(owner) == before
    assert updated() == []


def test_a_policy_that_changed_in_the_code_changes_its_own_table(owner, monkeypatch):
    former = DenialCount.access_policy
    changed = AccessPolicy(former.read, former.insert, None, None, former.because)
    monkeypatch.setattr(DenialCount, "access_policy", changed)
    assert updated() == ["table core_denialcount"]
    owner.execute("SELECT count(*) FROM pg_policies WHERE tablename = 'core_denialcount'")
    assert owner.fetchone() == (2,)


def test_a_model_without_a_policy_is_refused(monkeypatch):
    monkeypatch.delattr(DenialCount, "access_policy")
    with pytest.raises(TypeError, match=r"core\.DenialCount does not say who may see it"):
        updated()


def test_a_function_that_returns_something_else_is_dropped_before_it_is_made(owner):
    owner.execute("DROP FUNCTION access.case_in_log(text)")
    owner.execute("CREATE FUNCTION access.case_in_log(other text) RETURNS text LANGUAGE sql AS 'SELECT $1'")
    assert updated() == ["beneficiaries/040_log.sql"]


@pytest.mark.parametrize("arguments", [("accounts",), ("core", "0001"), ()])
def test_migrate_mends_policies_however_it_is_called(owner, arguments):
    owner.execute("ALTER POLICY core_denialcount_select ON core_denialcount USING (true)")
    call_command("migrate", *arguments, verbosity=0)
    owner.execute("SELECT qual FROM pg_policies WHERE policyname = 'core_denialcount_select'")
    assert "user_id" in owner.fetchone()[0]


def test_while_migrations_are_missing_nothing_is_made(owner, capsys):
    owner.execute("DELETE FROM django_migrations WHERE app = 'reintegration'")
    owner.execute("ALTER POLICY core_denialcount_select ON core_denialcount USING (true)")
    call_command("migrate", "core", verbosity=0)
    assert "wait for them" in capsys.readouterr().err
    owner.execute("SELECT qual FROM pg_policies WHERE policyname = 'core_denialcount_select'")
    assert owner.fetchone() == ("true",)
