"""PostgreSQL's privileges and row policies, generated from the models' `access_policy`."""

from collections.abc import Iterator
from pathlib import Path

from django.apps import AppConfig, apps
from django.conf import settings
from django.db import connection, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql import Query

from core.access import COMMANDS, AccessPolicy, Condition, ContextPrincipal, Open
from core.models import OPEN_TABLES

APP, OWNER = "iom_app", "iom_owner"
CLAUSES = {
    "select": "USING ({0})",
    "insert": "WITH CHECK ({0})",
    "update": "USING ({0}) WITH CHECK ({0})",
    "delete": "USING ({0})",
}


def own_apps() -> list[AppConfig]:
    """Return the site's own apps, the lowest first."""
    return [app for app in apps.get_app_configs() if Path(app.path).parent == settings.BASE_DIR]


def own_models() -> Iterator[type[models.Model]]:
    """Yield every concrete model of the site, automatic many-to-many tables included."""
    for app in own_apps():
        yield from app.get_models(include_auto_created=True)


def policy_of(model: type[models.Model]):
    """Return the model's policy: an AccessPolicy, an Open, or None if it declares none."""
    return getattr(model, "access_policy", None)


def protected_models() -> list[type[models.Model]]:
    """Return the models whose rows are under a policy."""
    return [model for model in own_models() if isinstance(policy_of(model), AccessPolicy)]


def open_tables() -> dict[str, Open]:
    """Return the tables without row policies, each with the commands that the application may use."""
    found = dict(OPEN_TABLES)
    for model in own_models():
        if isinstance(policy_of(model), Open):
            found[model._meta.db_table] = policy_of(model)
    return found


def compiled(model: type[models.Model], condition: Condition, connection: BaseDatabaseWrapper) -> str:
    """Return a condition as SQL over the model's table, as Django compiles a CheckConstraint."""
    query = Query(model)
    where = query.build_where(condition(ContextPrincipal()))
    statement, params = query.get_compiler(connection=connection).compile(where)
    with connection.cursor() as cursor:
        return cursor.mogrify(statement, params).decode()


def conditions(model: type[models.Model], using: BaseDatabaseWrapper = connection) -> dict[str, str | None]:
    """Return for each SQL command the condition on a row; None where nobody may use the command."""
    found = {}
    for command, name in zip(COMMANDS, CLAUSES, strict=True):
        condition = policy_of(model).condition(model, command)
        found[name] = condition and compiled(model, condition, using)
    return found


def table_sql(model: type[models.Model], using: BaseDatabaseWrapper) -> str:
    """Return the SQL for one protected table: its privileges and one policy a command, forced on the owner too."""
    table = model._meta.db_table
    lines = [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
    ]
    lines.append(f"REVOKE ALL ON {table} FROM {APP}")
    for command, condition in conditions(model, using).items():
        lines.append(f"DROP POLICY IF EXISTS {table}_{command} ON {table}")
        if condition is not None:
            policy = f"{table}_{command} ON {table} FOR {command.upper()} TO {APP}"
            lines.append(f"CREATE POLICY {policy} {CLAUSES[command].format(condition)}")
            columns = _columns_read(model) if command == "select" else ""
            lines.append(f"GRANT {command.upper()}{columns} ON {table} TO {APP}")
    return ";\n".join(lines)


def _columns_read(model: type[models.Model]) -> str:
    """Return the columns without the model's `never_read` as a privilege names them; "" for all columns."""
    unread = getattr(model, "never_read", ())
    columns = [str(field.column) for field in model._meta.concrete_fields if field.name not in unread]
    return f" ({', '.join(columns)})" if unread else ""


def open_sql(table: str, commands: tuple[str, ...]) -> str:
    """Return the SQL for the privileges on a table without row policies."""
    grant = f"; GRANT {', '.join(commands)} ON {table} TO {APP}" if commands else ""
    return f"REVOKE ALL ON {table} FROM {APP}{grant}"
