"""How forms become HTML: the classes of the stylesheet, and what a screen reader is told.

The renderer is the whole site's, the Django admin included. Classes therefore come in only through
`StyledField.styled`, which our own field template asks for and the admin's templates don't: there
`{{ field }}` stays as Django made it.
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

# The first row that fits decides; a more special widget stands above the one it is made from.
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
    """A field on a page, with what our templates ask beyond Django's own."""

    @property
    def kind(self) -> str:
        """Which part of `forms/field.html` draws it; a widget of no special kind is an input."""
        widget = self.field.widget
        return next((kind for made_from, kind in KINDS if isinstance(widget, made_from)), "input")

    @property
    def is_optional(self) -> bool:
        """Said in the label. A box to tick never is: leaving it empty is an answer."""
        return (
            not self.field.required and self.kind != "checkbox" and not getattr(self.form, "is_filter", False)
        )

    @property
    def first_id(self) -> str:
        """Where the label and the error summary lead: the first thing that takes the focus."""
        own = self.field.widget.attrs.get("id") or self.auto_id
        return self.id_for_label or (f"{own}_0" if own else "")

    @property
    def styled(self) -> SafeString:
        """The widget with its classes and its description; attributes that the form set stay."""
        own = self.field.widget.attrs.get("class", "")
        names = [CLASSES[self.kind], ERROR_CLASSES.get(self.kind, "") if self.errors else "", own]
        attrs: dict[str, str | bool] = {"class": " ".join(name for name in names if name)}
        if self.kind == "textarea" and self.field.widget.attrs.get("rows") in (None, "10"):
            attrs["rows"] = "5"  # Django's ten lines ask for an essay
        if self.aria_describedby:
            attrs["aria-describedby"] = self.aria_describedby
        return self.as_widget(attrs=attrs)

    @property
    def options(self) -> list[BoundWidget]:
        """Each radio or box; the class of the whole belongs to what surrounds them."""
        for option in self.subwidgets:
            option.data["attrs"].pop("class", None)
            if self.kind == "checkboxes":
                option.data["attrs"].pop("required", None)
        return self.subwidgets

    @property
    def options_class(self) -> str:
        """The class of what surrounds the options: the kind, and what the form adds."""
        return f"govuk-{self.kind} {self.field.widget.attrs.get('class', '')}".strip()


def grouped(form: forms.BaseForm) -> list[dict[str, Any]]:
    """The visible fields under the legends of `form.fieldsets`, and those in none of them last.

    A name that the form doesn't have is left out: a form drops fields that this person may not see.
    A group that is left with none doesn't come out.
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
    """Draws forms with `templates/forms/`, found as any template is."""

    form_template_name = "forms/form.html"
    field_template_name = "forms/field.html"
    bound_field_class = StyledField

    def render(self, template_name: str, context: dict[str, Any], request: HttpRequest | None = None) -> str:
        """A whole form comes with its fields in groups; all else as Django has it."""
        if template_name == self.form_template_name:
            context = {**context, "groups": grouped(context["form"])}
        return super().render(template_name, context, request)


@lru_cache(maxsize=16)
def _options(choices: tuple[tuple[str, str], ...]) -> dict[str, tuple[SafeString, SafeString]]:
    """For each code its option, not chosen and chosen."""
    plain, chosen = '<option value="{}">{}</option>', '<option value="{}" selected>{}</option>'
    return {
        code: (format_html(plain, code, label), format_html(chosen, code, label)) for code, label in choices
    }


class PlainSelect(forms.Select):
    """A select whose options are written once: Django's own renders a template for each, 3 ms for 77 districts."""

    def render(self, name, value, attrs=None, renderer=None):
        chosen = self.format_value(value)
        options = _options(tuple((str(code), str(label)) for code, label in self.choices))
        written = "\n".join(pair[code in chosen] for code, pair in options.items())
        kept = flatatt(self.build_attrs(self.attrs, {**(attrs or {}), "name": name}))
        return format_html("<select{}>{}</select>", kept, mark_safe(written))  # noqa: S308 - escaped in _options
