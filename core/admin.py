"""What the Django admin stands on: whoever passes the site's door may look, and operations do the writing.

A app says in `write` which operation saves a thing. What the operation refuses comes back on the form
with all that was typed, and nothing is written.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ERROR_FLAG, PAGE_VAR, SEARCH_VAR, ChangeList
from django.contrib.admin.widgets import AdminDateWidget
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, models, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from core import audit, names, searches
from core.clock import now
from core.forms import AmountField, CountField, DayField, DayInput, add_refusal, check_period

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

logger = logging.getLogger(__name__)

FOREIGN_KEY_VIOLATION = "23503"
UNCHANGEABLE = ("code", "key")  # programme files and groups' names refer to them
REFUSED = (ValidationError, IntegrityError)

T = TypeVar("T")


class AdminDayInput(DayInput, AdminDateWidget):
    """A date as text, with the admin's calendar beside it."""


NUMBER = {"class": "vIntegerField"}
# Dates and numbers are read as on our own pages.
OVERRIDES: dict[type[models.Field], dict[str, Any]] = {
    models.DateField: {"form_class": DayField, "widget": AdminDayInput},
    models.DecimalField: {"form_class": AmountField, "widget": forms.TextInput(NUMBER)},
    models.PositiveIntegerField: {"form_class": CountField, "widget": forms.TextInput(NUMBER)},
    models.PositiveSmallIntegerField: {"form_class": CountField, "widget": forms.TextInput(NUMBER)},
}


@contextmanager
def all_or_nothing() -> Iterator[None]:
    """All of an action or nothing of it, foreign keys included.

    Those are checked at the end of the transaction otherwise, where nobody could be told: a row that the
    wall hides from an administrator may still refer to what is removed here.
    """
    with transaction.atomic():
        yield
        connection.check_constraints()


def refusal_of(error: Exception) -> ValidationError:
    """What to tell a person about an action that an operation or a constraint refused."""
    if isinstance(error, ValidationError):
        return error
    diagnostics = getattr(error.__cause__, "diag", None)
    logger.warning("refused by %s", getattr(diagnostics, "constraint_name", None) or type(error).__name__)
    referred = getattr(error.__cause__, "pgcode", None) == FOREIGN_KEY_VIOLATION
    if referred or isinstance(error, models.ProtectedError | models.RestrictedError):
        return ValidationError(_("This can’t be deleted: it is in use."))
    return ValidationError(
        _("This could not be saved: something changed in the meantime. Look at it again, then retry.")
    )


def attempt(form: forms.BaseForm, action: Callable[[], T]) -> T | None:
    """Carry out an action; None where it was refused, which the form then says."""
    try:
        with all_or_nothing():
            return action()
    except REFUSED as error:
        add_refusal(form, refusal_of(error))
        return None


class ConfigurationForm(forms.ModelForm):
    """A form that shows what the operation behind it refused, and keeps a code once it is given."""

    refusal: ValidationError | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            for name in UNCHANGEABLE:
                if name in self.fields:
                    self.fields[name].disabled = True

    def clean(self) -> dict[str, Any] | None:
        found = super().clean()
        check_period(self)
        return found

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.refusal is not None:
            add_refusal(self, self.refusal)


class SearchedChangeList(ChangeList):
    """A list narrowed by what this session searched for; of the words the address holds a token alone."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> models.QuerySet:
        words = searches.words_of(request)
        self.query = (words or {}).get(SEARCH_VAR, "")
        found = super().get_queryset(request, exclude_parameters)
        return found.none() if words is None else found


def lookups_of(filtered: str, model: type[models.Model]) -> set[str]:
    """What a filter of the admin sends for a field, which may lie across relations."""
    options, related = model._meta, None
    for part in filtered.split("__"):
        related = options.get_field(part).related_model
        options = related._meta if related else options
    chosen = f"{filtered}__{options.pk.name}__exact" if related else f"{filtered}__exact"
    return {chosen, f"{filtered}__isnull"}


class ReadOnlyAdmin(admin.ModelAdmin):
    """Whoever passes the site's door may look; nobody may write. Model permissions are never asked.

    A list is narrowed by its declared filters, its days and its search, and by no other column: what may be asked of a
    hash, letter by letter, tells the hash. What somebody looks at is on record.
    """

    actions = None
    list_per_page = 50
    formfield_overrides = OVERRIDES
    view_on_site = False

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        """Names are looked for in the form in which they are stored."""
        return super().get_search_results(request, queryset, names.tidy(search_term))

    @cached_property
    def allowed_lookups(self) -> set[str]:
        """Each name that an address may filter by; of a declared filter what Django's own links send, of days year,
        month and day."""
        fields = (entry[0] if isinstance(entry, tuple) else entry for entry in self.list_filter)
        days = self.date_hierarchy
        periods = {f"{days}__{part}" for part in ("year", "month", "day")} if days else set()
        return periods.union(*(lookups_of(str(field), self.model) for field in fields))

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup in self.allowed_lookups

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return SearchedChangeList

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if request.method == "POST":
            return self._search(request)
        response = super().changelist_view(request, extra_context)
        if response.status_code != 200:
            return response
        shown = response.context_data["cl"]  # type: ignore[attr-defined]
        narrowed = sorted(shown.get_filters_params()) + [SEARCH_VAR] * bool(shown.query)
        return self.on_record(request, response, count=len(shown.result_list), filters=narrowed)

    def _search(self, request: HttpRequest) -> HttpResponse:
        """The only thing that is sent to a list: nothing is written by it."""
        words = request.POST.get(SEARCH_VAR, "").strip()[: searches.LONGEST]
        query = request.GET.copy()
        for name in (SEARCH_VAR, PAGE_VAR, ERROR_FLAG):
            query.pop(name, None)
        if words:
            query[SEARCH_VAR] = searches.keep(request, {SEARCH_VAR: words})
        return HttpResponseRedirect(f"{request.path}?{query.urlencode()}")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        response = super().change_view(request, object_id, form_url, extra_context)
        return self.on_record(request, response, object_id)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        return self.on_record(request, super().history_view(request, object_id, extra_context), object_id)

    def on_record(
        self, request: HttpRequest, response: HttpResponse, key: str | None = None, **detail: object
    ) -> HttpResponse:
        """Put on record that a page is shown; the page."""
        if response.status_code == 200:
            about = self.model(pk=UUID(key)) if key else None
            audit.read(
                request, verb="configuration read", obj=about, detail={"of": self.opts.label, **detail}
            )
        return response

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.admin_site.has_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return self.admin_site.has_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


class ConfigurationAdmin(ReadOnlyAdmin):
    """Configuration that an administrator adds and changes. `labels` words the fields that a model doesn't."""

    form = ConfigurationForm
    labels: Mapping[str, "StrOrPromise"] = {}

    def write(self, *, obj: Any, form: Any, by: Any, now: datetime) -> None:
        """Save one thing through its operation."""
        raise NotImplementedError(f"{type(self).__name__} does not say which operation saves")

    def write_row(self, *, obj: Any, form: Any, by: Any, now: datetime) -> None:
        """Save one row of an inline through its operation; `form` is the page's own."""
        raise NotImplementedError(f"{type(self).__name__} does not say which operation saves a row")

    def remove(self, *, obj: Any, by: Any, now: datetime) -> None:
        """Remove one thing, or one row of an inline, through its operation."""
        raise NotImplementedError(f"{type(self).__name__} does not say which operation removes")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.admin_site.has_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return self.admin_site.has_permission(request)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm]:
        form = super().get_form(request, obj, change, **{"labels": self.labels, **kwargs})
        form.refusal = getattr(request, "refusal", None)  # type: ignore[attr-defined]
        return form

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        self.write(obj=obj, form=form, by=request.user, now=now())

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        rows = formset.save(commit=False)
        for row in formset.deleted_objects:
            self.remove(obj=row, by=request.user, now=now())
        for row in rows:
            self.write_row(obj=row, form=form, by=request.user, now=now())

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.remove(obj=obj, by=request.user, now=now())

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        """Save all of a page or nothing; a refused page is drawn again, as the form that says so."""
        arguments = (request, object_id, form_url, extra_context)
        if request.method != "POST":
            return super().changeform_view(*arguments)
        try:
            with all_or_nothing():
                return super().changeform_view(*arguments)
        except REFUSED as error:
            request.refusal = refusal_of(error)  # type: ignore[attr-defined]
        return super().changeform_view(*arguments)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        try:
            with all_or_nothing():
                response = super().delete_view(request, object_id, extra_context)
                return self.on_record(request, response, object_id)
        except REFUSED as error:
            self.message_user(request, " ".join(refusal_of(error).messages), messages.ERROR)
        return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", object_id)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[list, dict, set, list]:
        """Name the things themselves. What refers to them may be case content: it is never looked up here."""
        names = [str(obj) for obj in objs]
        return names, {str(self.opts.verbose_name_plural): len(names)}, set(), []


class ConfigurationInline(admin.TabularInline):
    """Rows that belong to one configured thing, written by the admin of that thing."""

    extra = 0
    form = ConfigurationForm
    formfield_overrides = OVERRIDES
    labels: Mapping[str, "StrOrPromise"] = {}

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return self.admin_site.has_permission(request)

    has_add_permission = has_change_permission = has_delete_permission = has_view_permission

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """A row to be removed is refused by the operation, not by listing what refers to it."""
        formset = super().get_formset(request, obj, **{"labels": self.labels, **kwargs})
        formset.form.hand_clean_DELETE = lambda form: None  # type: ignore[attr-defined]
        return formset


class ReadOnlyInline(ConfigurationInline):
    """Rows to look at."""

    can_delete = False
    max_num = 0

    def has_add_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    has_change_permission = has_delete_permission = has_add_permission
