"""Base serializers and fields: unknown fields are refused, and an id only finds rows that the user may see."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Model, QuerySet
from rest_framework import serializers

from accounts.models import User
from api.pagination import LARGEST_PAGE, PAGE
from core import days
from core.bikram_sambat import NotADate
from core.clock import now
from core.encrypted_fields import EncryptedJSONField, EncryptedTextField
from core.numerals import NotANumber, amount_of, latin_digits
from core.record_fields import fields_of


class InputSerializer(serializers.Serializer):
    """Base of inputs. An unknown field is refused, as a misspelt one would otherwise be ignored."""

    def to_internal_value(self, data: Any) -> Any:
        """Refuse unknown fields."""
        if isinstance(data, Mapping):
            unknown = [name for name in data if name not in self.fields]
            if unknown:
                raise serializers.ValidationError({name: ["There is no such field."] for name in unknown})
        return super().to_internal_value(data)


class NoInput(InputSerializer):
    """An action without input."""


class PageQuery(InputSerializer):
    """Query parameters of every list."""

    cursor = serializers.CharField(
        required=False, max_length=300, help_text="As given in `next` or `previous`; never made by hand."
    )
    page_size = serializers.IntegerField(
        required=False, min_value=1, max_value=LARGEST_PAGE, help_text=f"Rows a page; {PAGE} by default."
    )


class VisibleRowField(serializers.UUIDField):
    """The id of a row that the user may see. The error is the same for hidden and missing rows."""

    def __init__(self, rows: Callable[[Any], QuerySet], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rows = rows

    def to_internal_value(self, data: Any) -> Any:
        """Return the row."""
        pk = super().to_internal_value(data) if isinstance(data, str) else self.fail("invalid", value=data)
        found = self.rows(self.context["request"].user).filter(pk=pk).first()
        if found is None:
            raise serializers.ValidationError("There is nothing here, or nothing that you may see.")
        return found


class StrictBooleanField(serializers.BooleanField):
    """JSON's true or false only: “on” or 1 are no consent."""

    def to_internal_value(self, data: Any) -> bool:
        """Refuse anything but a boolean."""
        return data if isinstance(data, bool) else self.fail("invalid", input=data)


class DayField(serializers.DateField):
    """A day of the AD calendar, such as 2026-03-27, in Nepal's time. `is_record`: it must not be in the future."""

    def __init__(self, *, is_record: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.is_record = is_record

    def to_internal_value(self, value: Any) -> date:
        """Return the day; validated as in forms."""
        try:
            text = value if isinstance(value, str) else ""
            return days.day_of(text, today=now().date(), is_record=self.is_record)
        except NotADate as error:
            raise serializers.ValidationError(str(error)) from error


class AmountField(serializers.DecimalField):
    """An amount in rupees, with up to two digits of paisa: a JSON number, or text as people type it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=12, decimal_places=2, **kwargs)

    def to_internal_value(self, data: Any) -> Decimal:
        """Return the amount; validated as in forms."""
        if isinstance(data, bool) or not isinstance(data, str | int | float):
            self.fail("invalid")
        try:
            return amount_of(format(Decimal(str(data)), "f") if not isinstance(data, str) else data)
        except NotANumber as error:
            raise serializers.ValidationError(str(error)) from error


def recorded(model: type[Model]) -> list[str]:
    """Return the names of the columns in a model's table of fields, as answers have them."""
    columns = [column for field in fields_of(model).values() for column in field.columns]
    return [model._meta.get_field(column).name for column in columns]


class RowSerializer(serializers.ModelSerializer):
    """A row, with encrypted fields decrypted."""

    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        EncryptedTextField: serializers.CharField,
        EncryptedJSONField: serializers.JSONField,
    }


class UserSerializer(RowSerializer):
    """A user who did something."""

    name = serializers.CharField(read_only=True)

    class Meta:
        model = User
        fields = ["id", "name"]
        read_only_fields = fields


class ByCaseQuery(PageQuery):
    """Filter by case."""

    case = serializers.UUIDField(required=False, source="case_id")


class ByCaseAndProjectQuery(ByCaseQuery):
    """Filters by case and programme."""

    project = serializers.UUIDField(required=False, source="project_id")


class PlaceCode(serializers.CharField):
    """A place by its code: a district's is three digits, a country's two letters."""

    def __init__(self, model: type[Model], **kwargs: Any) -> None:
        super().__init__(max_length=5, **kwargs)
        self.model = model

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Return the place, or None for no code."""
        code = super().run_validation(data)
        if not code:
            return None
        found = self.model._default_manager.filter(code=latin_digits(code)).first()
        if found is None:
            raise serializers.ValidationError(f"No {self.model._meta.verbose_name} has this code.")
        return found


class CorrectionInput(InputSerializer):
    """What every correction carries. Fields that aren't sent stay as they are."""

    version = serializers.IntegerField(
        min_value=1, help_text="Of the record that was read; another one is a conflict."
    )
    reason = serializers.CharField(
        max_length=1000,
        allow_blank=True,
        default="",
        help_text="Needed for names, the birth date and what happened.",
    )

    def get_fields(self) -> dict[str, serializers.Field]:
        """Leave out what can't be corrected, and require nothing but the version."""
        fields = super().get_fields()
        for name in set(fields) & {"risk", "citizenship_certificate"}:
            del fields[name]
        for name in fields.keys() - {
            "version",
            "reason",
            "birth_calendar",
            "birth_is_meant",
            "number_is_meant",
        }:
            fields[name].required, fields[name].default = False, serializers.empty
        return fields
