"""Sealing columns that were kept in clear: for migrations alone, as the owner."""

import json
from typing import Any

from django.db import migrations, models
from psycopg2.extras import execute_values

from core import keys
from core.sealing import SealedJSONField, SealedTextField, cell

BATCH = 2000


def sealing(app: str, model: str, subject: str, fields: dict[str, SealedTextField]) -> list[Any]:
    """Operations that put sealed columns in the place of clear ones; `subject` is the column that names the key."""
    operations: list[Any] = []
    for name in fields:
        operations.append(migrations.RenameField(model, name, f"{name}_plain"))
    for name, field in fields.items():
        operations.append(migrations.AddField(model, name, field))
    operations.append(migrations.RunPython(_sealer(app, model, subject, list(fields)), _refuse))
    for name in fields:
        operations.append(migrations.RemoveField(model, f"{name}_plain"))
    return operations


def _refuse(apps: Any, schema_editor: Any) -> None:
    raise RuntimeError("what was sealed isn't put back in clear: restore a backup instead")


def _sealer(app: str, model: str, subject: str, names: list[str]):
    def seal_all(apps: Any, schema_editor: Any) -> None:
        found = apps.get_model(app, model)
        table, link = found._meta.db_table, schema_editor.connection
        schema_editor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        plain = ", ".join(f"{name}_plain" for name in names)
        kept: dict[Any, bytes] = {}
        with link.cursor() as cursor:
            cursor.execute(f"SELECT id, {subject}, {plain} FROM {table}")  # noqa: S608 - names of the migration's own
            rows = cursor.fetchall()
            for start in range(0, len(rows), BATCH):
                some = rows[start : start + BATCH]
                _keys(cursor, kept, {row[1] for row in some})
                sealed = [
                    (
                        row[0],
                        *(
                            _one(found, name, row[0], row[1], kept[row[1]], value)
                            for name, value in zip(names, row[2:], strict=True)
                        ),
                    )
                    for row in some
                ]
                sets = ", ".join(f"{name} = v.{name}" for name in names)
                columns = ", ".join(["id", *names])
                execute_values(
                    cursor.cursor,
                    f"UPDATE {table} t SET {sets} FROM (VALUES %s) AS v({columns}) WHERE t.id = v.id",  # noqa: S608
                    sealed,
                )
        # What waits for the end of the transaction, as rows were changed twice in it: a table with waiting checks
        # can't be altered.
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        schema_editor.execute("SET CONSTRAINTS ALL DEFERRED")
        schema_editor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")

    return seal_all


def _keys(cursor: Any, kept: dict[Any, bytes], subjects: set) -> None:
    """Keys of these, made where there are none."""
    wanted = list(subjects - kept.keys())
    cursor.execute("SELECT subject_id, wrapped FROM core_datakey WHERE subject_id = ANY(%s)", [wanted])
    kept.update({subject: keys.unwrap(subject, wrapped) for subject, wrapped in cursor.fetchall()})
    missing = {subject: keys.new_key() for subject in wanted if subject not in kept}
    kept.update(missing)
    if missing:
        execute_values(
            cursor.cursor,
            "INSERT INTO core_datakey (subject_id, wrapped, made_at) VALUES %s",
            [(subject, keys.wrap(subject, key)) for subject, key in missing.items()],
            template="(%s, %s, now())",
        )


def _one(model: type[models.Model], name: str, row: Any, subject: Any, key: bytes, value: Any) -> bytes:
    field = model._meta.get_field(name)
    assert isinstance(field, SealedTextField)
    told = json.loads(value) if isinstance(field, SealedJSONField) and isinstance(value, str) else value
    if not told:
        return b""
    bound = cell(model._meta.db_table, name, row)
    return keys.seal_with(key, subject, field.to_bytes(told), bound_to=bound)
