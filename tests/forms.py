"""Every form of the project, and those that the admin makes."""

from collections.abc import Iterator

from django import forms
from django.contrib import admin
from django.test import RequestFactory

OURS = ("core", "accounts", "beneficiaries", "projects", "reintegration", "geography", "iom_cases")


def every_form() -> Iterator[type[forms.BaseForm]]:
    """Yield the forms that a module of the project defines, and those that the admin makes from its models."""
    seen: list[type[forms.BaseForm]] = []
    _below(forms.BaseForm, seen)
    yield from (form for form in seen if form.__module__.split(".")[0] in OURS)
    request = RequestFactory().get("/")
    request.may_configure = True  # type: ignore[attr-defined]  # the site sets it for the signed-in user
    for made in admin.site._registry.values():
        if made.has_add_permission(request) or made.has_change_permission(request):
            yield made.get_form(request)
        for inline in made.inlines:
            yield inline(made.model, made.admin_site).get_formset(request).form


def _below(parent: type, seen: list) -> None:
    for child in parent.__subclasses__():
        if child not in seen:
            seen.append(child)
            _below(child, seen)
