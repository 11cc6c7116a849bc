"""Fill tables by COPY as the database's owner, without triggers, indexes and keys meanwhile.

They are removed and restored in the same transaction as the rows, so that after an error the database is unchanged.
Foreign keys are checked when they are restored, in one pass over each table.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager

from django.apps import apps
from django.db.backends.utils import CursorWrapper
from psycopg2 import sql

# Kinds of constraint that foreign keys refer to. Check constraints stay, as they are cheap.
KEYS = ("p", "u", "x")


class CopyBuffer:
    """Rows to be copied, by table, in COPY's text format."""

    def __init__(self, cursor: CursorWrapper, columns: dict[str, tuple[str, ...]]) -> None:
        self.cursor = cursor
        self.lines: dict[str, list[str]] = {table: [] for table in columns}
        self.written = dict.fromkeys(columns, 0)
        self.statements = {
            table: sql.SQL("COPY {} ({}) FROM STDIN").format(
                sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, names))
            )
            for table, names in columns.items()
        }

    def flush(self) -> None:
        """Copy the rows. Values contain no tab, line break or backslash: they come from this package."""
        for table, lines in self.lines.items():
            if lines:
                self.cursor.copy_expert(self.statements[table], io.StringIO("".join(lines)))
                self.written[table] += len(lines)
                lines.clear()


@contextmanager
def with_defaults(cursor: CursorWrapper, columns: dict[str, tuple[str, ...]]) -> Iterator[None]:
    """Let PostgreSQL fill in the columns that aren't copied, as the models would."""
    models = {model._meta.db_table: model for model in apps.get_models()}
    left_out = [
        (table, field)
        for table, names in columns.items()
        for field in models[table]._meta.concrete_fields
        if field.attname not in names and not field.null
    ]
    for table, field in left_out:
        value = field.get_db_prep_save(field.get_default(), cursor.db)
        cursor.execute(_alter(table, "ALTER COLUMN {} SET DEFAULT %s", field.attname), [value])
    yield
    for table, field in left_out:
        cursor.execute(_alter(table, "ALTER COLUMN {} DROP DEFAULT", field.attname))


@contextmanager
def without_indexes(cursor: CursorWrapper, tables: tuple[str, ...]) -> Iterator[None]:
    """Remove triggers, indexes, keys and foreign keys of these tables, also those that refer to them; then restore."""
    cursor.execute("SET LOCAL maintenance_work_mem = '512MB'")
    constraints, indexes = _constraints(cursor, tables), _indexes(cursor, tables)
    for table in tables:
        cursor.execute(_alter(table, "DISABLE TRIGGER USER"))
    for table, name, _kind, _definition in sorted(constraints, key=lambda row: row[2] in KEYS):
        cursor.execute(_alter(table, "DROP CONSTRAINT {}", name))
    for name, _definition in indexes:
        cursor.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    yield
    for table, name, kind, definition in sorted(constraints, key=lambda row: row[2] not in KEYS):
        if kind in KEYS:
            cursor.execute(_alter(table, f"ADD CONSTRAINT {{}} {definition}", name))
    for _name, definition in indexes:
        cursor.execute(definition)
    for table in tables:  # the joins that check foreign keys need statistics
        cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))
    for table, name, kind, definition in constraints:
        if kind not in KEYS:
            cursor.execute(_alter(table, f"ADD CONSTRAINT {{}} {definition}", name))
    for table in tables:
        cursor.execute(_alter(table, "ENABLE TRIGGER USER"))


def _alter(table: str, rest: str, *names: str) -> sql.Composed:
    return sql.SQL("ALTER TABLE {} " + rest).format(*map(sql.Identifier, (table, *names)))


def _constraints(cursor: CursorWrapper, tables: tuple[str, ...]) -> list[tuple[str, str, str, str]]:
    """Return (table, name, kind, definition) of keys and foreign keys of the tables, or referring to them."""
    cursor.execute(
        """
        SELECT r.relname, c.conname, c.contype::text, pg_get_constraintdef(c.oid)
          FROM pg_constraint c
          JOIN pg_class r ON r.oid = c.conrelid
          LEFT JOIN pg_class f ON f.oid = c.confrelid
         WHERE c.contype IN ('p', 'u', 'x', 'f') AND r.relnamespace = 'public'::regnamespace
           AND (r.relname = ANY(%(tables)s) OR f.relname = ANY(%(tables)s))
         ORDER BY r.relname, c.conname
        """,
        {"tables": list(tables)},
    )
    return cursor.fetchall()


def _indexes(cursor: CursorWrapper, tables: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return (name, definition) of indexes that don't belong to a constraint."""
    cursor.execute(
        """
        SELECT i.indexname, i.indexdef FROM pg_indexes i
         WHERE i.schemaname = 'public' AND i.tablename = ANY(%s)
           AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexname::regclass
                              AND c.contype IN ('p', 'u', 'x'))
         ORDER BY i.indexname
        """,
        [list(tables)],
    )
    return cursor.fetchall()
