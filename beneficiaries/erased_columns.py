"""The SQL function that empties what the tables of fields call erased."""

from collections.abc import Iterator

from django.db import models

from beneficiaries.models import Beneficiary
from beneficiaries.models.access import CasePolicy
from core.catalogue import Part
from core.policies import own_models, policy_of
from core.record_fields import fields_of

# In these 060_erasure.sql leaves something: a dash as the name, and the year of birth.
LEAVE_SOMETHING = {"first_name", "birth"}


def emptying() -> Iterator[Part]:
    """Yield `access.empty_erased`, which `access.erase_beneficiary` calls."""
    erased = {model: columns for model in own_models() if (columns := erased_columns(model))}
    tables = ", ".join(model._meta.db_table for model in erased)
    lines = [
        f"GRANT SELECT, UPDATE ON {tables} TO iom_functions;",
        "CREATE OR REPLACE FUNCTION access.empty_erased(of_beneficiary uuid) RETURNS void LANGUAGE sql AS $$",
        *(f"    {_update(model, columns)};" for model, columns in erased.items()),
        "$$",
    ]
    yield Part("empty_erased", "\n".join(lines), ("function access.empty_erased",))


def erased_columns(model: type[models.Model]) -> list[str]:
    """Return the columns of erased fields, and those that are made of fields for searching."""
    fields = [field for name, field in fields_of(model).items() if name not in LEAVE_SOMETHING]
    columns = [column for field in fields if field.is_erased for column in field.columns]
    return [*columns, *getattr(model, "never_recorded", ())] if columns else []


def _update(model: type[models.Model], columns: list[str]) -> str:
    values = {name: "NULL" if model._meta.get_field(name).null else "''" for name in columns}
    emptied = ", ".join(f"{name} = {value}" for name, value in values.items())
    where = "beneficiary_id = of_beneficiary"
    if model is Beneficiary:
        where = "id = of_beneficiary"
    elif isinstance(policy_of(model), CasePolicy):
        where = f"case_id IN (SELECT id FROM beneficiaries_case WHERE {where})"
    return f"UPDATE {model._meta.db_table} SET {emptied}, version = version + 1 WHERE {where}"
