"""PostgreSQL privileges and row policies, generated from the models' `access_policy`.

After every migration `apply` runs each app's `sql/*.sql` (functions and triggers) and then rebuilds
privileges, policies and same-case foreign keys. All of it is idempotent. A table that has no policy yet has no
privileges either, so it can't be read in between.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from django.apps import apps
from django.db import models, transaction

from core.models import OPEN_TABLES
from core.scoping import OPENED_IN_FULL, AccessPolicy, Confidentiality, Level, Open, TablePolicy

APP, OWNER = "iom_app", "iom_owner"
APPS = ("core", "geography", "accounts", "projects", "beneficiaries", "reintegration")
ACCESS_TABLE = "beneficiaries_caseaccess"
COMMANDS = ("select", "insert", "update", "delete")


def own_models() -> Iterator[type[models.Model]]:
    """Yield every concrete model of the site, automatic many-to-many tables included."""
    for app in APPS:
        yield from apps.get_app_config(app).get_models(include_auto_created=True)


def policy_of(model: type[models.Model]):
    """Return the model's policy: an AccessPolicy, a TablePolicy, an Open, or None if it declares none."""
    return getattr(model, "access_policy", None)


def linked_models() -> Iterator[type[models.Model]]:
    """Yield the models whose rows belong to a case."""
    return (model for model in own_models() if isinstance(policy_of(model), AccessPolicy))


def case_column(model: type[models.Model]) -> str:
    """Return the column with the case's id: `id` in the case's own table, `case_id` in all others."""
    return "case_id" if any(field.name == "case" for field in model._meta.fields) else "id"


def _levels(level: Level) -> str:
    return ", ".join(f"'{name}'" for name in OPENED_IN_FULL[level])


def access_condition(model: type[models.Model], level: Level, *, alias: str, full: str, summary: str) -> str:
    """Return the SQL condition that a valid access row gives `level` to this row.

    `full` and `summary` name the context functions that list the user's organisations with full access and with
    summary access. `shows` also lists organisations where the user has summary access to single programmes only, so
    there the condition checks the programme too.
    """
    full_access = f"a.organisation_id = ANY((SELECT access.{full}())::uuid[])"
    condition = f"{full_access} AND a.level IN ({_levels(level)})"
    if level is Level.SUMMARY:
        summary_access = (
            f"a.organisation_id = ANY((SELECT access.{summary}())::uuid[]) AND a.level <> 'referral'"
        )
        programmes = f"\n     AND {_summary_condition(model, alias)}" if summary == "shows" else ""
        condition = f"({condition}\n     OR {summary_access}{programmes})"
    elif level is Level.REFERRAL:
        sent_here = f"{full_access} AND a.level = 'referral' AND a.organisation_id = {alias}.receiver_id"
        condition = f"({condition}\n     OR {sent_here})"
    if policy_of(model).by_confidentiality:
        condition = f"{condition}\n     AND {_confidentiality(alias)}"
    return (
        f"EXISTS (SELECT 1 FROM {ACCESS_TABLE} a WHERE a.case_id = {alias}.{case_column(model)}\n"
        f"     AND {condition}\n"
        f"     AND (a.user_id IS NULL OR a.user_id = access.user_id())\n"
        f"     AND (a.expires_at IS NULL OR a.expires_at > now()))"
    )


def _summary_condition(model: type[models.Model], alias: str) -> str:
    """Return the SQL condition for summary access to all of an organisation or to single programmes.

    For single programmes the case, and the row if it has a programme of its own, must be in one of the user's. The
    list functions are called without a subselect, which would cost users with full access an InitPlan.
    """
    in_programme, path = "a.programmes && access.programmes()", policy_of(model).programme
    if path:
        in_programme += f" AND {_programme(model, path.split('__'), alias)} = ANY(access.programmes())"
    return f"(a.organisation_id = ANY(access.summaries()) OR {in_programme})"


def _programme(model: type[models.Model], path: list[str], alias: str) -> str:
    """Return the SQL expression for the id of the row's own programme, following `path` across tables."""
    field = cast(models.ForeignKey, model._meta.get_field(path[0]))
    if len(path) == 1:
        return f"{alias}.{field.column}"
    target = field.related_model
    table = target._meta.db_table
    return f"(SELECT {_programme(target, path[1:], table)} FROM {table} WHERE {table}.id = {alias}.{field.column})"


def _confidentiality(alias: str) -> str:
    """Return the SQL condition for the row's confidentiality.

    Everyone who works on the case reads normal rows; users of the lead organisation with the matching right read the
    others.
    """
    special = " OR ".join(
        f"({alias}.confidentiality = '{kind}' AND a.organisation_id = ANY((SELECT access.{kind}())::uuid[]))"
        for kind in (Confidentiality.RESTRICTED, Confidentiality.COUNSELLING)
    )
    return f"({alias}.confidentiality = 'normal' OR (a.level = 'lead' AND ({special})))"


def conditions(model: type[models.Model]) -> dict[str, str | None]:
    """Return for each command the SQL condition on a row; None where nobody may use the command."""
    policy, alias = policy_of(model), model._meta.db_table
    if isinstance(policy, TablePolicy):
        own = dict(zip(COMMANDS, (policy.read, policy.insert, policy.update, policy.delete), strict=True))
        return {name: sql and re.sub(r"\bt\.", f"{alias}.", sql) for name, sql in own.items()}

    def condition(level: Level | None, full: str, summary: str) -> str | None:
        return level and access_condition(model, level, alias=alias, full=full, summary=summary)

    if case_column(model) == "id":  # the case itself: a trigger on this insert adds its access rows
        insert: str | None = f"{alias}.lead_organisation_id = ANY((SELECT access.edits())::uuid[])"
    else:
        insert = condition(policy.insert, "edits", "decides")
    return {
        "select": condition(policy.read, "reads", "shows"),
        "insert": insert,
        "update": condition(policy.update, "edits", "decides"),
        "delete": condition(policy.delete, "edits", "decides"),
    }


def table_statements(model: type[models.Model]) -> Iterator[str]:
    """Yield the SQL for one protected table: its privileges and one policy per command, forced on the owner too."""
    table = model._meta.db_table
    yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
    yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
    for command, sql in conditions(model).items():
        yield f"DROP POLICY IF EXISTS {table}_{command} ON {table}"
        if sql is None:
            continue
        clause = {
            "select": f"USING ({sql})",
            "insert": f"WITH CHECK ({sql})",
            "update": f"USING ({sql}) WITH CHECK ({sql})",
            "delete": f"USING ({sql})",
        }[command]
        yield f"CREATE POLICY {table}_{command} ON {table} FOR {command.upper()} TO {APP} {clause}"
        yield f"GRANT {command.upper()} ON {table} TO {APP}"


def same_case_statements(model: type[models.Model]) -> Iterator[str]:
    """Yield the composite foreign keys that keep a row and the row it points to in one case.

    Django can't express them.
    """
    table = model._meta.db_table
    for field in model._meta.concrete_fields:
        if not isinstance(field, models.ForeignKey):
            continue
        target = field.remote_field.model
        if not isinstance(policy_of(target), AccessPolicy) or case_column(target) == "id":
            continue
        name = f"{table}_{field.column}_same_case"[:63]
        yield f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}"
        yield (
            f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({field.column}, case_id) "
            f"REFERENCES {target._meta.db_table} (id, case_id) DEFERRABLE INITIALLY DEFERRED"
        )


def open_tables() -> dict[str, Open]:
    """Return the tables without row policies, each with the commands that the application may use."""
    found = dict(OPEN_TABLES)
    for model in own_models():
        if isinstance(policy_of(model), Open):
            found[model._meta.db_table] = policy_of(model)
    return found


def statements() -> Iterator[str]:
    """Yield all generated SQL, in order. Raises TypeError for a model without an `access_policy`."""
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {APP}"
    for table, access in open_tables().items():
        if access.commands:
            yield f"GRANT {', '.join(access.commands)} ON {table} TO {APP}"
    yield f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {APP}"
    for model in own_models():
        policy = policy_of(model)
        if isinstance(policy, (AccessPolicy, TablePolicy)):
            yield from table_statements(model)
        elif policy is None and not model._meta.auto_created:
            raise TypeError(f"{model._meta.label} does not say who may see it: give it an `access_policy`")
    for model in linked_models():
        yield from same_case_statements(model)


def apply(connection) -> None:
    """Update functions, triggers, privileges and policies to match the code, in one transaction."""
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        for app in APPS:
            for path in sorted((Path(apps.get_app_config(app).path) / "sql").glob("[0-9]*.sql")):
                cursor.execute(path.read_text(encoding="utf-8"))
        for statement in statements():
            cursor.execute(statement)
        # PostgreSQL lets everyone execute a new function: here only the roles that its file names may.
        cursor.execute("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA access FROM PUBLIC")
        cursor.execute("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA access TO iom_functions")
