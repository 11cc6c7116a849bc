"""Filling tables through COPY as the owner, with what slows it down taken away and put back.

Triggers, indexes and constraints go and come back in the same transaction as the rows: whatever fails, the
database is as it was. Foreign keys are checked when they come back, in one pass over each table.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager

from django.db.backends.utils import CursorWrapper
from psycopg2 import sql

# Keys before what refers to them; check constraints stay, as they are cheap.
KEYS = ("p", "u", "x")


class Sheets:
    """Rows waiting to be copied, one sheet a table, in COPY's text format."""

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
        """Send what waits. Values hold no tab, line break or backslash: they are this package's own."""
        for table, lines in self.lines.items():
            if lines:
                self.cursor.copy_expert(self.statements[table], io.StringIO("".join(lines)))
                self.written[table] += len(lines)
                lines.clear()


@contextmanager
def bare(cursor: CursorWrapper, tables: tuple[str, ...]) -> Iterator[None]:
    """The tables without triggers, indexes, keys and foreign keys, theirs and those that point to them."""
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
    for table in tables:  # foreign keys are checked by joins that need to know how large the tables are
        cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))
    for table, name, kind, definition in constraints:
        if kind not in KEYS:
            cursor.execute(_alter(table, f"ADD CONSTRAINT {{}} {definition}", name))
    for table in tables:
        cursor.execute(_alter(table, "ENABLE TRIGGER USER"))


def _alter(table: str, rest: str, *names: str) -> sql.Composed:
    return sql.SQL("ALTER TABLE {} " + rest).format(*map(sql.Identifier, (table, *names)))


def _constraints(cursor: CursorWrapper, tables: tuple[str, ...]) -> list[tuple[str, str, str, str]]:
    """(table, name, kind, definition) of keys and foreign keys on the tables or pointing to them."""
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
    """(name, definition) of the indexes that no constraint stands for."""
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
