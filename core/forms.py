"""The form that every page's deed comes in."""

import uuid

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy


def take(form: forms.BaseForm, error: ValidationError) -> None:
    """Show a refusal on the form, at the field that it is about where the form has that field."""
    found = error.error_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.error_list}
    for name, errors in found.items():
        form.add_error(name if name in form.fields else None, errors)


def check_period(form: forms.BaseForm) -> None:
    """Say it in words where the last day is before the first, sooner than a constraint would."""
    first, last = (form.cleaned_data.get(name) for name in ("starts_on", "ends_on"))
    if first and last and last < first:
        form.add_error("ends_on", _("The last day can’t be before the first day."))


def day_field(label, **kwargs) -> forms.DateField:
    """A day as it is typed, in the AD calendar."""
    return forms.DateField(
        label=label,
        input_formats=["%Y-%m-%d", "%Y/%m/%d"],
        help_text=_lazy("AD, such as 2026-03-27."),
        **kwargs,
    )


class OnceForm(forms.Form):
    """Carries a key of its own, so that a form sent twice is carried out once."""

    form_key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["form_key"].initial = uuid.uuid4

    def take(self, error: ValidationError) -> None:
        """Show what an operation refused, at the field it is about where the form has that field."""
        take(self, error)
