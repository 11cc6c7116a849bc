"""E-mail addresses: each has one spelling, which the database requires too.

Two spellings of one mailbox would pass for two users, and the mail library refuses some that Django's validator takes.
"""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.db import models
from django.db.models import CheckConstraint, Q

# For Python and PostgreSQL: no quotes and ASCII letters only before the @, small ASCII letters after it.
PLAIN = r"^[A-Za-z0-9.!#$&'*+/=?^_`{|}~-]+@[a-z0-9-]+([.][a-z0-9-]+)*$"


def plain_address(email: str) -> str:
    """Return the address as it is stored: with a domain in small letters, encoded as mail needs it (IDNA).

    Raises ValidationError for an address that has no such form.
    """
    local, _at, domain = email.rpartition("@")
    try:
        found = f"{local}@{domain.encode('idna').decode().lower()}"
    except UnicodeError:
        found = ""
    if not re.fullmatch(PLAIN, found, re.ASCII):
        raise ValidationError(EmailValidator.message, code="invalid")
    return found


class AddressFormField(forms.EmailField):
    """A typed address, in its one spelling."""

    def to_python(self, value: Any) -> Any:
        """Return the plain address."""
        found = super().to_python(value)
        return plain_address(found) if found else found


class AddressField(models.EmailField):
    """An address, stored in its one spelling. Its model has the constraint `only_plain`."""

    def to_python(self, value: Any) -> Any:
        """Return the plain address."""
        found = super().to_python(value)
        return plain_address(found) if found else found

    def get_prep_value(self, value: Any) -> Any:
        """Pass on what isn't cleaned: it is looked for in vain, and the constraint refuses to store it."""
        return super(models.CharField, self).get_prep_value(value)

    def formfield(self, **kwargs: Any) -> Any:
        """Clean what is typed in the same way."""
        return super().formfield(**{"form_class": AddressFormField, **kwargs})

    def deconstruct(self) -> Any:
        """Appear as an EmailField in migrations, as the column is the same."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.EmailField", args, kwargs


def only_plain(name: str, column: str) -> CheckConstraint:
    """Return a constraint: the address is empty or in its one spelling."""
    return CheckConstraint(
        name=name,
        condition=Q(**{column: ""}) | Q(**{f"{column}__regex": PLAIN}),
        violation_error_message=EmailValidator.message,
    )
