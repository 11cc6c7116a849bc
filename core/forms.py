"""The form that every page's deed comes in."""

import uuid

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError


class OnceForm(forms.Form):
    """Carries a key of its own, so that a form sent twice is carried out once."""

    form_key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["form_key"].initial = uuid.uuid4

    def take(self, error: ValidationError) -> None:
        """Show what an operation refused, at the field it is about where the form has that field."""
        messages = error.message_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.messages}
        for name, texts in messages.items():
            self.add_error(name if name in self.fields else None, texts)
