"""The base form of every page's action, and the fields for dates and numbers."""

import json
import uuid
from datetime import date, datetime
from decimal import Decimal

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from core import days
from core.bikram_sambat import Calendar, NotADate
from core.clock import now
from core.numerals import NotANumber, amount_of, count_of, shown_amount


def add_refusal(form: forms.BaseForm, error: ValidationError) -> None:
    """Add an operation's ValidationError to the form: at its field if the form has that field, else at the top."""
    found = error.error_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.error_list}
    for name, errors in found.items():
        form.add_error(name if name in form.fields else None, errors)


def check_period(form: forms.BaseForm) -> None:
    """Add an error if `ends_on` is before `starts_on`, before the database's constraint refuses it."""
    first, last = (form.cleaned_data.get(name) for name in ("starts_on", "ends_on"))
    if first and last and last < first:
        form.add_error("ends_on", _("The last day can’t be before the first day."))


class TypedDay(str):
    """A date as typed, in which calendar; `meant` answers the question which one was meant (`core.days.answer`)."""

    calendar: Calendar = "ad"
    meant = ""


class DayInput(forms.DateInput):
    """A text input for a date. `readings` are the answers to choose from when the calendar is in doubt."""

    template_name = "forms/widgets/day.html"

    def __init__(self, attrs=None) -> None:
        super().__init__({"autocomplete": "off"} | (attrs or {}), format="%Y-%m-%d")
        self.readings: dict[str, str] = {}

    def value_from_datadict(self, data, files, name):
        """Return what was typed, with the calendar that was chosen below it."""
        typed = super().value_from_datadict(data, files, name)
        if not isinstance(typed, str):
            return typed
        found = TypedDay(typed)
        found.calendar = "bs" if data.get(f"{name}_calendar") == "bs" else "ad"
        found.meant = data.get(f"{name}_meant", "")
        return found

    def get_context(self, name, value, attrs):
        """Add the readings for the template."""
        context = super().get_context(name, value, attrs)
        context["widget"]["readings"] = list(self.readings.items())
        return context


class CalendarDayInput(DayInput):
    """A text input for a date beside a choice of its calendar: Bikram Sambat in Nepali and AD in English, at first.

    Where there is JavaScript, the day in the other calendar stands below it as one types.
    """

    template_name = "forms/widgets/calendar_day.html"

    def get_context(self, name, value, attrs):
        """Add the calendar, the day as it is written in it, and what htmx sends."""
        context = super().get_context(name, value, attrs)
        widget = context["widget"]
        widget["calendar"] = "bs" if get_language() == "ne" else "ad"
        if isinstance(value, date):
            try:
                widget["value"] = days.written(value, widget["calendar"])
            except NotADate:  # past the table of Bikram Sambat months
                widget["calendar"] = "ad"
        elif value:
            widget["calendar"] = getattr(value, "calendar", "ad")
        select = f"#{widget['attrs']['id']}_calendar"
        widget["attrs"] |= {
            "hx-get": reverse("day-read"),
            "hx-trigger": ("load, " if isinstance(value, date) else "")
            + f"input changed delay:400ms, change from:{select}",
            "hx-include": select,
            "hx-vals": json.dumps({"field": name}),
            "hx-select": ".app-read",
            "hx-target": f"#{widget['attrs']['id']}_read",
        }
        return context


class DayField(forms.DateField):
    """A day, typed in Latin or Devanagari digits. `is_record`: of something that has happened.

    If the text looks like a day of the other calendar, the form asks; it is accepted once the user has said so.
    """

    widget = DayInput

    def __init__(self, *, is_record: bool = False, **kwargs) -> None:
        super().__init__(**kwargs)
        self.is_record = is_record

    def to_python(self, value):
        """Read the day, with the widget's answer to which calendar was meant."""
        if value in self.empty_values:
            return None
        if isinstance(value, date):
            return value.date() if isinstance(value, datetime) else value
        calendar: Calendar = getattr(value, "calendar", "ad")
        meant = getattr(value, "meant", "")
        try:
            return days.day_of(
                value, today=now().date(), is_record=self.is_record, calendar=calendar, meant=meant
            )
        except days.Doubt as doubt:
            self.widget.readings = doubt.readings
            raise forms.ValidationError(str(doubt), code="calendar") from doubt
        except NotADate as error:
            raise forms.ValidationError(str(error), code="invalid") from error


def day_field(label, **kwargs) -> DayField:
    """Return a DayField for a page: of either calendar, with an example of each."""
    example = gettext_lazy("Year-month-day, such as 2082-12-13 (BS) or 2026-03-27 (AD).")
    return DayField(label=label, help_text=example, widget=CalendarDayInput, **kwargs)


class AmountField(forms.DecimalField):
    """An amount in rupees with at most two digits of paisa, in Latin or Devanagari digits, grouped or not."""

    widget = forms.TextInput

    def __init__(self, *, max_digits: int = 12, decimal_places: int = 2, **kwargs) -> None:
        super().__init__(max_digits=max_digits, decimal_places=decimal_places, **kwargs)
        self.most = max_digits - decimal_places

    def to_python(self, value):
        """Read the amount with `core.numerals`."""
        if value in self.empty_values:
            return None
        if isinstance(value, Decimal):
            return value
        try:
            return amount_of(str(value), most=self.most)
        except NotANumber as error:
            raise forms.ValidationError(str(error), code="invalid") from error

    def prepare_value(self, value):
        """Show a stored amount as pages show it."""
        return shown_amount(value) if isinstance(value, Decimal) else value

    def widget_attrs(self, widget):
        """Ask for a numeric keyboard with a decimal point."""
        return {"inputmode": "decimal", "autocomplete": "off"}


class CountField(forms.IntegerField):
    """A whole number from 0 up, in Latin or Devanagari digits."""

    widget = forms.TextInput

    def to_python(self, value):
        """Read the number with `core.numerals`."""
        if value in self.empty_values:
            return None
        try:
            return count_of(str(value))
        except NotANumber as error:
            raise forms.ValidationError(str(error), code="invalid") from error

    def widget_attrs(self, widget):
        """Ask for a numeric keyboard."""
        return {"inputmode": "numeric", "autocomplete": "off"}


class OnceForm(forms.Form):
    """A form with an idempotency key, so that submitting it twice carries it out once."""

    form_key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["form_key"].initial = uuid.uuid4

    def add_refusal(self, error: ValidationError) -> None:
        """Add an operation's ValidationError to this form."""
        add_refusal(self, error)
