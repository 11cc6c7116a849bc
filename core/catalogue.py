"""Functions, triggers, policies and privileges in the database, kept as the code says.

`update` compares each part with what it was made from and with PostgreSQL's catalogue, and makes only the parts again
that differ: a policy that changed locks its own table, and a part that somebody altered by hand is mended.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from django.db import ProgrammingError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg2.errors import InvalidFunctionDefinition

from core.policies import (
    APP,
    open_sql,
    open_tables,
    own_apps,
    own_models,
    policy_of,
    protected_models,
    table_sql,
)

_FUNCTION = re.compile(r"^CREATE OR REPLACE FUNCTION (access\.\w+)\(([^)]*)\)", re.MULTILINE)
_TRIGGER = re.compile(r"\bCREATE (?:OR REPLACE |CONSTRAINT )?TRIGGER (\w+)\s[^;]*?\bON (\w+)")


@dataclass(frozen=True)
class Part:
    """A piece of SQL that may run any number of times, and what it makes: keys of `described`."""

    name: str
    sql: str
    makes: tuple[str, ...]


# Parts that higher apps add, made after all tables and functions.
added: list[Callable[[], Iterable[Part]]] = []


def parts(connection: BaseDatabaseWrapper, tables: Iterable[str]) -> Iterator[Part]:
    """Yield every part, in the order in which they are made; `tables` are those of the database.

    Raises TypeError for a model without an `access_policy`.
    """
    for path in _files("0*.sql"):
        yield _file_part(path)
        if path.name == "000_context.sql":
            # What users may do: each app's granted.sql selects (user_id, organisation_id, project_id, permission).
            rows = "\nUNION ALL\n".join(one.read_text(encoding="utf-8") for one in _files("granted.sql"))
            view = f"CREATE OR REPLACE VIEW access.granted AS\n{rows};\n"
            yield Part("granted", f"{view}GRANT SELECT ON access.granted TO iom_functions", ("view granted",))
    for model in own_models():
        if policy_of(model) is None and not model._meta.auto_created:
            raise TypeError(f"{model._meta.label} does not say who may see it: give it an `access_policy`")
    protected = {model._meta.db_table: model for model in protected_models()}
    free = open_tables()
    for table in sorted(tables):
        commands = free[table].commands if table in free else ()
        sql = table_sql(protected[table], connection) if table in protected else open_sql(table, commands)
        yield Part(f"table {table}", sql, (f"table {table}",))
    yield Part("sequences", f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {APP}", ("sequences",))
    for more in added:
        yield from more()


def _files(pattern: str) -> list[Path]:
    return [path for app in own_apps() for path in sorted((Path(app.path) / "sql").glob(pattern))]


def _file_part(path: Path) -> Part:
    sql = path.read_text(encoding="utf-8")
    functions = {f"function {name}" for name, _arguments in _FUNCTION.findall(sql)}
    triggers = {f"trigger {name} on {table}" for name, table in _TRIGGER.findall(sql)}
    return Part(f"{path.parts[-3]}/{path.name}", sql, (*sorted(functions), *sorted(triggers)))


def signatures(made: Iterable[Part]) -> list[str]:
    """Return the functions that parts make as `name(type, …)`, which PostgreSQL reads."""
    found = []
    for part in made:
        for name, arguments in _FUNCTION.findall(part.sql):
            words = [argument.split() for argument in arguments.split(",") if argument.strip()]
            types = [" ".join(argument[1:]) for argument in words if argument[0] != "OUT"]
            found.append(f"{name}({', '.join(types)})")
    return found


# What the catalogue says of each thing that a part can make. A function's owner and privileges belong to it.
_DESCRIBED = """
    SELECT 'function access.' || p.proname, string_agg(pg_get_functiondef(p.oid) || p.proowner::regrole
               || coalesce(p.proacl::text, 'public'), '' ORDER BY p.oid)
      FROM pg_proc p WHERE p.pronamespace = 'access'::regnamespace GROUP BY p.proname
    UNION ALL
    SELECT 'trigger ' || t.tgname || ' on ' || c.relname, pg_get_triggerdef(t.oid) || t.tgenabled::text
      FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
     WHERE NOT t.tgisinternal AND c.relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'view ' || c.relname, pg_get_viewdef(c.oid) || c.relowner::regrole || coalesce(c.relacl::text, '')
      FROM pg_class c WHERE c.relkind = 'v' AND c.relnamespace = 'access'::regnamespace
    UNION ALL
    SELECT 'table ' || c.relname, concat_ws(' ', c.relrowsecurity, c.relforcerowsecurity,
               (SELECT string_agg(a.privilege_type, ' ' ORDER BY a.privilege_type)
                  FROM aclexplode(c.relacl) a WHERE a.grantee = 'iom_app'::regrole),
               (SELECT string_agg(a.attname || a.attacl::text, ' ' ORDER BY a.attnum)
                  FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL),
               (SELECT string_agg(concat_ws(' ', p.polname, p.polcmd, p.polpermissive, p.polroles,
                                            pg_get_expr(p.polqual, c.oid), pg_get_expr(p.polwithcheck, c.oid)),
                                  ' ' ORDER BY p.polname)
                  FROM pg_policy p WHERE p.polrelid = c.oid))
      FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'sequences', string_agg(c.relname || coalesce(c.relacl::text, ''), ' ' ORDER BY c.relname)
      FROM pg_class c WHERE c.relkind = 'S' AND c.relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'constraint ' || o.conname, pg_get_constraintdef(o.oid)
      FROM pg_constraint o WHERE o.connamespace = 'public'::regnamespace AND o.contype = 'f'
"""


def described(cursor) -> dict[str, str]:
    """Return what the catalogue says of functions, triggers, views, tables, sequences and foreign keys."""
    cursor.execute(_DESCRIBED)
    return {key: text or "" for key, text in cursor.fetchall()}


def update(connection: BaseDatabaseWrapper) -> list[str]:
    """Make every part again that differs from the code, and drop functions and triggers that no part defines.

    Runs in one transaction, as the owner. Returns the names of the parts that were made and of what was dropped.
    """
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA IF NOT EXISTS access")
        cursor.execute("CREATE TABLE IF NOT EXISTS access.made (part text PRIMARY KEY, digest text NOT NULL)")
        cursor.execute("SELECT part, digest FROM access.made")
        made, now_is = dict(cursor.fetchall()), described(cursor)
        tables = [key.removeprefix("table ") for key in now_is if key.startswith("table ")]
        wanted = list(parts(connection, tables))
        changed = [part for part in wanted if made.get(part.name) != _digest(part, now_is)]
        for part in changed:
            _make(cursor, part, connection.alias)
        dropped = _drop_undefined(cursor, wanted)
        if changed or dropped:
            # PostgreSQL lets everyone execute a new function: here only the roles that its file names may.
            cursor.execute("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA access FROM PUBLIC")
            cursor.execute("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA access TO iom_functions")
            now_is = described(cursor)
            cursor.execute("DELETE FROM access.made")
            for part in wanted:
                cursor.execute("INSERT INTO access.made VALUES (%s, %s)", [part.name, _digest(part, now_is)])
    return [part.name for part in changed] + dropped


def _make(cursor, part: Part, alias: str) -> None:
    """Run a part. A function whose result or parameters have changed can't be replaced and is dropped before."""
    try:
        with transaction.atomic(using=alias):
            cursor.execute(part.sql)
    except ProgrammingError as error:
        if not isinstance(error.__cause__, InvalidFunctionDefinition):
            raise
        for name, _arguments in _FUNCTION.findall(part.sql):
            cursor.execute(f"DROP FUNCTION IF EXISTS {name}")
        cursor.execute(part.sql)


def _digest(part: Part, now_is: dict[str, str]) -> str:
    return sha256("\0".join([part.sql, *(now_is.get(key, "") for key in part.makes)]).encode()).hexdigest()


def _drop_undefined(cursor, wanted: list[Part]) -> list[str]:
    """Drop functions and triggers that no part defines; raises ProgrammingError where something still uses one."""
    triggers = {key for part in wanted for key in part.makes if key.startswith("trigger ")}
    dropped = sorted(key for key in described(cursor) if key.startswith("trigger ") and key not in triggers)
    for key in dropped:
        cursor.execute(f"DROP {key}")
    cursor.execute(
        "SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = 'access'::regnamespace "
        "AND NOT p.oid = ANY (SELECT to_regprocedure(s)::oid FROM unnest(%s) s)",
        [signatures(wanted)],
    )
    for (function,) in cursor.fetchall():
        cursor.execute(f"DROP FUNCTION {function}")
        dropped.append(f"function {function}")
    return dropped
