"""Model fields that are encrypted in the database and plain in Python.

Each value is encrypted with the key of whom its row is about (the model's `data_key_subject`) and bound to its table,
column and row. It is opened when it is first read from its object; a queryset's `values()` gives it encrypted, and
nothing can be looked for in it: both would otherwise find nothing, silently.
"""

import json
from typing import TYPE_CHECKING, Any

from django.core.exceptions import FieldError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.query_utils import DeferredAttribute
from django.forms import CharField as TextInput
from django.forms import Textarea

from core import data_keys


def cell(table: str, column: str | None, row: Any) -> str:
    """What a value is bound to: it opens in this row and column and in no other."""
    return f"{table}.{column} {row}"


def encrypted_fields(model: type[models.Model]) -> "list[EncryptedTextField]":
    """The encrypted columns of a model."""
    return [field for field in model._meta.concrete_fields if isinstance(field, EncryptedTextField)]


LONG = 200  # from this length on a form gives more than one line


class Encrypted(bytes):
    """What stands in the database."""

    def __str__(self) -> str:
        raise TypeError("an encrypted value is read from its row")


class Opening(DeferredAttribute):
    """Opens an encrypted value the first time that it is read."""

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        value = super().__get__(instance, cls)
        if instance is None or not isinstance(value, Encrypted):
            return value
        opened = self.field.opened(instance, value)  # type: ignore[attr-defined]
        instance.__dict__[self.field.attname] = opened
        return opened

    def __set__(self, instance: Any, value: Any) -> None:
        """Without this Python would look past `__get__` to what the object holds."""
        instance.__dict__[self.field.attname] = value


class EncryptedTextField(models.BinaryField):
    """Text. `max_length` counts characters, and is asked by forms and `clean_fields`."""

    if TYPE_CHECKING:  # what rows give and take
        _pyi_private_set_type: str  # type: ignore[assignment]
        _pyi_private_get_type: str  # type: ignore[assignment]
    descriptor_class = Opening
    empty_values = [None, "", b""]
    empty: Any = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("editable", True)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("editable", None)
        return name, path, args, kwargs

    def get_default(self) -> Any:
        return super().get_default() if self.has_default() else self.empty

    def to_python(self, value: Any) -> Any:
        return value

    def opened(self, instance: models.Model, value: Encrypted) -> Any:
        """The value; an empty one where its key was destroyed."""
        plain = data_keys.decrypt_for(value, bound_to=self.bound_to(instance))
        return self.empty if plain is None else self.from_bytes(plain)

    def bound_to(self, instance: models.Model) -> str:
        return cell(instance._meta.db_table, self.column, instance.pk)

    def from_bytes(self, plain: bytes) -> Any:
        return plain.decode()

    def to_bytes(self, value: Any) -> bytes:
        return str(value).encode()

    def pre_save(self, instance: models.Model, add: bool) -> Any:
        value = instance.__dict__.get(self.attname, self.empty)
        if isinstance(value, Encrypted) and not add:
            return value  # never opened, so it stays as it is
        value = getattr(instance, self.attname)
        if value in (None, self.empty):
            return Encrypted()
        subject = instance.data_key_subject  # type: ignore[attr-defined]
        return Encrypted(
            data_keys.encrypt_for(subject, self.to_bytes(value), bound_to=self.bound_to(instance))
        )

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        value = value if prepared else self.get_prep_value(value)
        if value is not None and not isinstance(value, bytes | memoryview):
            raise TypeError(f"{self} is encrypted as its row is saved: change the row, not the column")
        return super().get_db_prep_value(value, connection, prepared=True)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        if value is None or len(value) == 0:
            return self.from_bytes(b"") if value is not None else None
        encrypted = Encrypted(value)
        data_keys.expect(data_keys.subject_of(encrypted))
        return encrypted

    def get_lookup(self, lookup_name: str) -> Any:
        """Only whether it is empty can be asked: by the constraints that want a reason."""
        if lookup_name not in ("exact", "isnull"):
            raise FieldError(f"{self} is encrypted: nothing can be looked for in it")
        return super().get_lookup(lookup_name)

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, str | dict) and not value:
            return b""
        return super().get_prep_value(value)

    def formfield(self, **kwargs: Any) -> Any:
        more = {"max_length": self.max_length, **kwargs}
        if (self.max_length or LONG) >= LONG:
            more.setdefault("widget", Textarea)
        return models.Field.formfield(self, **{"form_class": TextInput, **more})


class EncryptedJSONField(EncryptedTextField):
    """A dictionary of JSON values."""

    if TYPE_CHECKING:
        _pyi_private_set_type: dict[str, Any]  # type: ignore[assignment]
        _pyi_private_get_type: dict[str, Any]  # type: ignore[assignment]

    @property
    def empty(self) -> Any:  # type: ignore[override]
        return {}

    def from_bytes(self, plain: bytes) -> Any:
        return json.loads(plain) if plain else {}

    def to_bytes(self, value: Any) -> bytes:
        return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False).encode()


def encrypted_columns(model: type[models.Model], row: Any, subject: Any, **values: Any) -> dict[str, bytes]:
    """Encrypted columns of a row that a function of the database writes; it is about `subject`."""
    found = {}
    for name, value in values.items():
        field = model._meta.get_field(name)
        assert isinstance(field, EncryptedTextField)
        found[name] = (
            data_keys.encrypt_for(
                subject, field.to_bytes(value), bound_to=cell(model._meta.db_table, field.column, row)
            )
            if value
            else b""
        )
    return found
