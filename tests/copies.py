"""Make many copies of an existing case: its rows are copied as the owner, each copy under ids of its own."""

import json

from beneficiaries.models.access import CasePolicy
from beneficiaries.same_case import linked_models
from core import policies, reference
from core.encrypted_fields import encrypted_fields

FIRST = ("beneficiaries_beneficiary", "beneficiaries_case", "beneficiaries_caseaccess")


def _tables() -> list[str]:
    linked = {model._meta.db_table for model in linked_models()}
    return [*FIRST, *sorted(linked - set(FIRST))]


def _id_columns() -> dict[str, list[str]]:
    """Return for each table the columns with ids of copied rows, which are replaced by the copy's own."""
    found = {"beneficiaries_caseaccess": ["id", "case_id"]}
    for model in policies.own_models():
        if model._meta.db_table not in found and model._meta.db_table in _tables():
            found[model._meta.db_table] = ["id"] + [
                field.column
                for field in model._meta.concrete_fields
                if field.remote_field and isinstance(policies.policy_of(field.remote_field.model), CasePolicy)
            ]
    found["beneficiaries_case"].append("beneficiary_id")
    return found


def _encrypted_columns() -> dict[str, list[str]]:
    """Return for each table its encrypted columns: they can be decrypted in their own row only, so copies
    leave them empty.
    """
    return {
        model._meta.db_table: [field.column for field in encrypted_fields(model)]
        for model in policies.own_models()
    }


def copies(owner, case, count: int) -> list[str]:
    """Make `count` copies of this case, with its beneficiary and all linked rows; return their references."""
    made = sorted({reference.make() for _ in range(count)})
    for table in _tables():
        owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    owner.execute("BEGIN; SET CONSTRAINTS ALL DEFERRED")
    for table, columns in ((table, _id_columns()[table]) for table in _tables()):
        own = ", ".join(f"'{name}', md5((j ->> '{name}') || n.reference)::uuid" for name in columns)
        where = {"beneficiaries_beneficiary": "id = %(person)s", "beneficiaries_case": "id = %(case)s"}
        empty = ", ".join(f"'{name}', ''" for name in _encrypted_columns()[table])
        changes = f"jsonb_build_object({own}) || jsonb_build_object({empty})"
        if table == "beneficiaries_case":
            changes += " || jsonb_build_object('reference', n.reference)"
        if table == "beneficiaries_caseaccess":
            changes += (
                " || CASE WHEN j ->> 'reference' <> '' THEN jsonb_build_object('reference', n.reference) "
            )
            changes += "ELSE '{}' END"
        owner.execute(
            f"INSERT INTO {table} SELECT (jsonb_populate_record(NULL::{table}, j || {changes})).* "
            f"FROM (SELECT to_jsonb(t) AS j FROM {table} t WHERE {where.get(table, 'case_id = %(case)s')}) r, "
            "(SELECT jsonb_array_elements_text(%(made)s::jsonb) AS reference) n",
            {"person": str(case.beneficiary_id), "case": str(case.pk), "made": json.dumps(made)},
        )
    owner.execute("COMMIT")
    for table in _tables():
        owner.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    return made
