"""Model fields that are encrypted in the database and plain in Python.

Each value is encrypted with the data key of the row's subject (the model's `data_key_subject`) and bound to its table,
column and row. It is decrypted when the attribute is first read. A queryset's `values()` returns it encrypted, and
lookups raise FieldError, as they would silently find nothing.
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
    """Return what a value is bound to (see `core.encryption`): one table, column and row id."""
    return f"{table}.{column} {row}"


def encrypted_fields(model: type[models.Model]) -> "list[EncryptedTextField]":
    """Return the encrypted fields of a model."""
    return [field for field in model._meta.concrete_fields if isinstance(field, EncryptedTextField)]


LONG = 200  # from this `max_length` on a form uses a textarea


class Encrypted(bytes):
    """The encrypted value, as the database has it. Converting it to text is a mistake and raises TypeError."""

    def __str__(self) -> str:
        raise TypeError("an encrypted value is read from its row")


class DecryptOnRead(DeferredAttribute):
    """Decrypts a value the first time that the attribute is read."""

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        value = super().__get__(instance, cls)
        if instance is None or not isinstance(value, Encrypted):
            return value
        plain = self.field.decrypted(instance, value)  # type: ignore[attr-defined]
        instance.__dict__[self.field.attname] = plain
        return plain

    def __set__(self, instance: Any, value: Any) -> None:
        """Store the value. This makes it a data descriptor: without it Python would skip `__get__`."""
        instance.__dict__[self.field.attname] = value


class EncryptedTextField(models.BinaryField):
    """Encrypted text. `max_length` counts characters; forms and `clean_fields` check it."""

    if TYPE_CHECKING:  # the types of the attribute
        _pyi_private_set_type: str  # type: ignore[assignment]
        _pyi_private_get_type: str  # type: ignore[assignment]
    descriptor_class = DecryptOnRead
    empty_values = [None, "", b""]
    empty: Any = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("editable", True)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        """Leave `editable` out of migrations: here it is always True."""
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("editable", None)
        return name, path, args, kwargs

    def get_default(self) -> Any:
        """Return the declared default, else the empty text or dictionary and not BinaryField's `b""`."""
        return super().get_default() if self.has_default() else self.empty

    def to_python(self, value: Any) -> Any:
        """Return the value unchanged: BinaryField would decode it from base64."""
        return value

    def decrypted(self, instance: models.Model, value: Encrypted) -> Any:
        """Return the plain value; an empty one if the data key was destroyed."""
        plain = data_keys.decrypt_for(value, bound_to=self.bound_to(instance))
        return self.empty if plain is None else self.from_bytes(plain)

    def bound_to(self, instance: models.Model) -> str:
        """Return what the value of this row is bound to."""
        return cell(instance._meta.db_table, self.column, instance.pk)

    def from_bytes(self, plain: bytes) -> Any:
        """Return the Python value of decrypted bytes."""
        return plain.decode()

    def to_bytes(self, value: Any) -> bytes:
        """Return the bytes to encrypt for a Python value."""
        return str(value).encode()

    def pre_save(self, instance: models.Model, add: bool) -> Any:
        """Return the encrypted value to save; a value that was never read is saved as it is."""
        value = instance.__dict__.get(self.attname, self.empty)
        if isinstance(value, Encrypted) and not add:
            return value
        value = getattr(instance, self.attname)
        if value in (None, self.empty):
            return Encrypted()
        subject = instance.data_key_subject  # type: ignore[attr-defined]
        return Encrypted(
            data_keys.encrypt_for(subject, self.to_bytes(value), bound_to=self.bound_to(instance))
        )

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        """Refuse a plain value, as from `update()`, with TypeError."""
        value = value if prepared else self.get_prep_value(value)
        if value is not None and not isinstance(value, bytes | memoryview):
            raise TypeError(f"{self} is encrypted as its row is saved: change the row, not the column")
        return super().get_db_prep_value(value, connection, prepared=True)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """Return the value still encrypted, and note which data key it will need."""
        if value is None or len(value) == 0:
            return self.from_bytes(b"") if value is not None else None
        encrypted = Encrypted(value)
        data_keys.expect(data_keys.subject_of(encrypted))
        return encrypted

    def get_lookup(self, lookup_name: str) -> Any:
        """Allow only `exact` and `isnull`, with which constraints check that a value isn't empty."""
        if lookup_name not in ("exact", "isnull"):
            raise FieldError(f"{self} is encrypted: nothing can be looked for in it")
        return super().get_lookup(lookup_name)

    def get_prep_value(self, value: Any) -> Any:
        """Store an empty text or dictionary as empty bytes."""
        if isinstance(value, str | dict) and not value:
            return b""
        return super().get_prep_value(value)

    def formfield(self, **kwargs: Any) -> Any:
        """Return a text field, with a textarea for long values."""
        more = {"max_length": self.max_length, **kwargs}
        if (self.max_length or LONG) >= LONG:
            more.setdefault("widget", Textarea)
        return models.Field.formfield(self, **{"form_class": TextInput, **more})


class EncryptedJSONField(EncryptedTextField):
    """An encrypted dictionary of JSON values, without infinite numbers: other programs couldn't read them."""

    if TYPE_CHECKING:
        _pyi_private_set_type: dict[str, Any]  # type: ignore[assignment]
        _pyi_private_get_type: dict[str, Any]  # type: ignore[assignment]

    @property
    def empty(self) -> Any:  # type: ignore[override]
        """A new empty dictionary."""
        return {}

    def from_bytes(self, plain: bytes) -> Any:
        """Return the dictionary from JSON."""
        return json.loads(plain) if plain else {}

    def to_bytes(self, value: Any) -> bytes:
        """Return the dictionary as JSON."""
        return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False, allow_nan=False).encode()


def encrypted_columns(model: type[models.Model], row: Any, subject: Any, **values: Any) -> dict[str, bytes]:
    """Return the encrypted `values` by field name, for a row that a database function writes.

    `row` is the row's id and `subject` its data key's subject.
    """
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
