"""Foreign keys that keep a row and the row it points to in one case; Django can't express them."""

from collections.abc import Iterator

from django.db import models

from beneficiaries.models.access import CasePolicy, case_column
from core.catalogue import Part
from core.policies import own_models, policy_of


def linked_models() -> Iterator[type[models.Model]]:
    """Yield the models whose rows belong to a case."""
    return (model for model in own_models() if isinstance(policy_of(model), CasePolicy))


def same_case_keys() -> Iterator[Part]:
    """Yield a composite foreign key, with the case, for each foreign key from one row of a case to another."""
    for model in linked_models():
        table = model._meta.db_table
        for field in model._meta.concrete_fields:
            if not isinstance(field, models.ForeignKey):
                continue
            target = field.remote_field.model
            if not isinstance(policy_of(target), CasePolicy) or case_column(target) == "id":
                continue
            name = f"{table}_{field.column}_same_case"[:63]
            sql = (
                f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}; "
                f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({field.column}, case_id) "
                f"REFERENCES {target._meta.db_table} (id, case_id) DEFERRABLE INITIALLY DEFERRED"
            )
            yield Part(name, sql, (f"constraint {name}",))
