"""How forms become HTML: the classes of the stylesheet, and the attributes for screen readers.

The renderer serves the whole site, the Django admin included. Classes are therefore added only by `StyledField.styled`,
which our field template uses and the admin's templates don't: there `{{ field }}` is as Django renders it.
"""

from functools import lru_cache
from typing import Any

from django import forms
from django.forms.boundfield import BoundField, BoundWidget
from django.forms.renderers import TemplatesSetting
from django.forms.utils import flatatt
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

# The first row that matches counts, so a subclass stands above its base class.
KINDS: tuple[tuple[type[forms.Widget], str], ...] = (
    (forms.CheckboxSelectMultiple, "checkboxes"),
    (forms.RadioSelect, "radios"),
    (forms.CheckboxInput, "checkbox"),
    (forms.Textarea, "textarea"),
    (forms.Select, "select"),
    (forms.FileInput, "file"),
    (forms.DateInput, "date"),
)

CLASSES = {
    "checkbox": "govuk-checkboxes__input",
    "date": "govuk-input govuk-input--width-10",
    "file": "govuk-file-upload",
    "input": "govuk-input",
    "select": "govuk-select",
    "textarea": "govuk-textarea",
}

ERROR_CLASSES = {
    "date": "govuk-input--error",
    "file": "govuk-file-upload--error",
    "input": "govuk-input--error",
    "select": "govuk-select--error",
    "textarea": "govuk-textarea--error",
}


class StyledField(BoundField):
    """A bound field with the properties that our templates use beyond Django's."""

    @property
    def kind(self) -> str:
        """The part of `forms/field.html` that renders the widget; "input" for a widget not in `KINDS`."""
        widget = self.field.widget
        return next((kind for widget_class, kind in KINDS if isinstance(widget, widget_class)), "input")

    @property
    def is_optional(self) -> bool:
        """Whether the label says that the field is optional. Never for a checkbox: an empty one is an answer."""
        return (
            not self.field.required and self.kind != "checkbox" and not getattr(self.form, "is_filter", False)
        )

    @property
    def first_id(self) -> str:
        """The id that the label and the error summary link to: that of the first element that takes the focus."""
        own = self.field.widget.attrs.get("id") or self.auto_id
        return self.id_for_label or (f"{own}_0" if own else "")

    @property
    def styled(self) -> SafeString:
        """The widget with its classes and description; attributes that the form set are kept."""
        own = self.field.widget.attrs.get("class", "")
        names = [CLASSES[self.kind], ERROR_CLASSES.get(self.kind, "") if self.errors else "", own]
        attrs: dict[str, str | bool] = {"class": " ".join(name for name in names if name)}
        if self.kind == "textarea" and self.field.widget.attrs.get("rows") in (None, "10"):
            attrs["rows"] = "5"  # Django's default is 10
        if self.aria_describedby:
            attrs["aria-describedby"] = self.aria_describedby
        return self.as_widget(attrs=attrs)

    @property
    def options(self) -> list[BoundWidget]:
        """The radio buttons or checkboxes; the form's class goes to the surrounding element instead."""
        for option in self.subwidgets:
            option.data["attrs"].pop("class", None)
            if self.kind == "checkboxes":
                option.data["attrs"].pop("required", None)
        return self.subwidgets

    @property
    def options_class(self) -> str:
        """The class of the element around the options: the kind, and the form's class."""
        return f"govuk-{self.kind} {self.field.widget.attrs.get('class', '')}".strip()


def grouped(form: forms.BaseForm) -> list[dict[str, Any]]:
    """Return the visible fields in the groups of `form.fieldsets`, then those in no fieldset.

    Names that the form doesn't have are skipped, as a form drops fields that the user may not see. Empty groups are
    left out.
    """
    fieldsets = getattr(form, "fieldsets", [])
    named = {name for _, names in fieldsets for name in names}
    rest = [name for name in form.fields if name not in named]
    groups = []
    for legend, names in [*fieldsets, (None, rest)]:
        fields = [form[name] for name in names if name in form.fields and not form[name].is_hidden]
        if fields:
            groups.append({"legend": legend, "fields": fields})
    return groups


class FormRenderer(TemplatesSetting):
    """Renders forms with `templates/forms/`."""

    form_template_name = "forms/form.html"
    field_template_name = "forms/field.html"
    bound_field_class = StyledField

    def render(self, template_name: str, context: dict[str, Any], request: HttpRequest | None = None) -> str:
        """Add the groups of fields to the context of a form."""
        if template_name == self.form_template_name:
            context = {**context, "groups": grouped(context["form"])}
        return super().render(template_name, context, request)


@lru_cache(maxsize=16)
def _options(choices: tuple[tuple[str, str], ...]) -> dict[str, tuple[SafeString, SafeString]]:
    """Return for each code its option as HTML, unselected and selected."""
    plain, selected = '<option value="{}">{}</option>', '<option value="{}" selected>{}</option>'
    return {
        code: (format_html(plain, code, label), format_html(selected, code, label)) for code, label in choices
    }


class PlainSelect(forms.Select):
    """A select with cached options: Django renders a template for each option, 3 ms for 77 districts."""

    def render(self, name, value, attrs=None, renderer=None):
        """Return the HTML without Django's templates."""
        selected = self.format_value(value)
        options = _options(tuple((str(code), str(label)) for code, label in self.choices))
        html = "\n".join(pair[code in selected] for code, pair in options.items())
        attributes = flatatt(self.build_attrs(self.attrs, {**(attrs or {}), "name": name}))
        return format_html("<select{}>{}</select>", attributes, mark_safe(html))  # noqa: S308 - escaped in _options
