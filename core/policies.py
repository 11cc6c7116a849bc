"""The database's half of the policy, made from what the models say of themselves.

After every migration `apply` runs each app's `sql/*.sql` (functions and triggers) and then rebuilds
privileges, policies and same-case foreign keys from the models' `access_policy` lines. All of it is idempotent, and
a table that is not protected yet has no privileges: it can't be reached in between.
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
    """Every concrete model of the site, automatic many-to-many tables included."""
    for app in APPS:
        yield from apps.get_app_config(app).get_models(include_auto_created=True)


def policy_of(model: type[models.Model]):
    """What the model says of who may see it: a AccessPolicy, an TablePolicy, an Open, or None where it says nothing."""
    return getattr(model, "access_policy", None)


def linked_models() -> Iterator[type[models.Model]]:
    """Models that belong to a case."""
    return (model for model in own_models() if isinstance(policy_of(model), AccessPolicy))


def case_column(model: type[models.Model]) -> str:
    """The column that names the case: the key of the case's own table, `case_id` everywhere else."""
    return "case_id" if any(field.name == "case" for field in model._meta.fields) else "id"


def _levels(level: Level) -> str:
    return ", ".join(f"'{name}'" for name in OPENED_IN_FULL[level])


def reach(model: type[models.Model], level: Level, *, alias: str, full: str, figures: str) -> str:
    """SQL: a live access row opens this row; `full` and `figures` name the context's organisation lists. In those
    that `shows` lists a person may see the figures of single programmes alone, so there more is asked."""
    mine = f"a.organisation_id = ANY((SELECT access.{full}())::uuid[])"
    condition = f"{mine} AND a.level IN ({_levels(level)})"
    if level is Level.SUMMARY:
        deciding = f"a.organisation_id = ANY((SELECT access.{figures}())::uuid[]) AND a.level <> 'referral'"
        single = f"\n     AND {_figures_of(model, alias)}" if figures == "shows" else ""
        condition = f"({condition}\n     OR {deciding}{single})"
    elif level is Level.REFERRAL:
        sent_here = f"{mine} AND a.level = 'referral' AND a.organisation_id = {alias}.receiver_id"
        condition = f"({condition}\n     OR {sent_here})"
    if policy_of(model).by_confidentiality:
        condition = f"{condition}\n     AND {_confidentiality(alias)}"
    return (
        f"EXISTS (SELECT 1 FROM {ACCESS_TABLE} a WHERE a.case_id = {alias}.{case_column(model)}\n"
        f"     AND {condition}\n"
        f"     AND (a.user_id IS NULL OR a.user_id = access.user_id())\n"
        f"     AND (a.expires_at IS NULL OR a.expires_at > now()))"
    )


def _figures_of(model: type[models.Model], alias: str) -> str:
    """SQL: figures of the whole organisation; or the case is in a programme of the person's, and so is the row, where
    it has one of its own. Asked of whoever sees figures alone, hence lists that cost the others no plan."""
    single, path = "a.programmes && access.programmes()", policy_of(model).programme
    if path:
        single += f" AND {_programme(model, path.split('__'), alias)} = ANY(access.programmes())"
    return f"(a.organisation_id = ANY(access.summaries()) OR {single})"


def _programme(model: type[models.Model], path: list[str], alias: str) -> str:
    """SQL: the key of a row's own programme, over as many tables as the path names."""
    field = cast(models.ForeignKey, model._meta.get_field(path[0]))
    if len(path) == 1:
        return f"{alias}.{field.column}"
    target = field.related_model
    table = target._meta.db_table
    return f"(SELECT {_programme(target, path[1:], table)} FROM {table} WHERE {table}.id = {alias}.{field.column})"


def _confidentiality(alias: str) -> str:
    """SQL: normal rows to all who work on the case, the others to the lead's people with the right to them."""
    special = " OR ".join(
        f"({alias}.confidentiality = '{kind}' AND a.organisation_id = ANY((SELECT access.{kind}())::uuid[]))"
        for kind in (Confidentiality.RESTRICTED, Confidentiality.COUNSELLING)
    )
    return f"({alias}.confidentiality = 'normal' OR (a.level = 'lead' AND ({special})))"


def conditions(model: type[models.Model]) -> dict[str, str | None]:
    """For each command the SQL that must hold for a row; None where the command is refused outright."""
    policy, alias = policy_of(model), model._meta.db_table
    if isinstance(policy, TablePolicy):
        own = dict(zip(COMMANDS, (policy.read, policy.insert, policy.update, policy.delete), strict=True))
        return {name: sql and re.sub(r"\bt\.", f"{alias}.", sql) for name, sql in own.items()}

    def made(level: Level | None, full: str, figures: str) -> str | None:
        return level and reach(model, level, alias=alias, full=full, figures=figures)

    if case_column(model) == "id":  # the case itself: its access rows are made by the trigger on this insert
        insert: str | None = f"{alias}.lead_organisation_id = ANY((SELECT access.edits())::uuid[])"
    else:
        insert = made(policy.insert, "edits", "decides")
    return {
        "select": made(policy.read, "reads", "shows"),
        "insert": insert,
        "update": made(policy.update, "edits", "decides"),
        "delete": made(policy.delete, "edits", "decides"),
    }


def table_statements(model: type[models.Model]) -> Iterator[str]:
    """Privileges and policies of one protected table, one policy a command, forced on its owner too."""
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
    """A row and the row it points to are of one case: composite foreign keys that Django can't write."""
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
    """Tables without a policy and what the application may do with each: the commented list."""
    found = dict(OPEN_TABLES)
    for model in own_models():
        if isinstance(policy_of(model), Open):
            found[model._meta.db_table] = policy_of(model)
    return found


def statements() -> Iterator[str]:
    """All that follows the apps' own SQL."""
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
            raise TypeError(f"{model._meta.label} does not say who may see it: give it a `access_policy`")
    for model in linked_models():
        yield from same_case_statements(model)


def apply(connection) -> None:
    """Bring functions, triggers, privileges and policies in line with the code, all or nothing."""
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        for app in APPS:
            for path in sorted((Path(apps.get_app_config(app).path) / "sql").glob("[0-9]*.sql")):
                cursor.execute(path.read_text(encoding="utf-8"))
        for statement in statements():
            cursor.execute(statement)
        # A function is for those whom its file names: none is open to everyone.
        cursor.execute("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA access FROM PUBLIC")
        cursor.execute("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA access TO iom_functions")
