"""Base classes for the Django admin: whoever may enter the admin site may read, and operations do all writing.

An app says in `write` which operation saves an object. What the operation refuses is shown on the form with everything
that was typed, and nothing is written.
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
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import unquote
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
UNCHANGEABLE = ("code", "key")  # fields that programme files and groups' names refer to
REFUSED = (ValidationError, IntegrityError)

T = TypeVar("T")


class AdminDayInput(DayInput, AdminDateWidget):
    """A text input for a date, with the admin's calendar beside it."""


NUMBER = {"class": "vIntegerField"}
# Dates and numbers are parsed as on our own pages.
OVERRIDES: dict[type[models.Field], dict[str, Any]] = {
    models.DateField: {"form_class": DayField, "widget": AdminDayInput},
    models.DecimalField: {"form_class": AmountField, "widget": forms.TextInput(NUMBER)},
    models.PositiveIntegerField: {"form_class": CountField, "widget": forms.TextInput(NUMBER)},
    models.PositiveSmallIntegerField: {"form_class": CountField, "widget": forms.TextInput(NUMBER)},
}


@contextmanager
def all_or_nothing() -> Iterator[None]:
    """Run a block in a transaction and check foreign keys at its end.

    Deferred foreign keys would otherwise be checked at the commit, too late to show an error: a row that the access
    policies hide from an administrator may refer to what is deleted here.
    """
    with transaction.atomic():
        yield
        connection.check_constraints()


def refusal_of(error: Exception) -> ValidationError:
    """Return what to show for an action that an operation or a constraint refused."""
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
    """Carry out an action and return its result; None if it was refused, with the error added to the form."""
    try:
        with all_or_nothing():
            return action()
    except REFUSED as error:
        add_refusal(form, refusal_of(error))
        return None


class ConfigurationForm(forms.ModelForm):
    """A form that shows the operation's refusal, and on which a code can't be changed once it is saved."""

    refusal: ValidationError | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            for name in UNCHANGEABLE:
                if name in self.fields:
                    self.fields[name].disabled = True

    def clean(self) -> dict[str, Any] | None:
        """Check the period too."""
        found = super().clean()
        check_period(self)
        return found

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.refusal is not None:
            add_refusal(self, self.refusal)


class SearchedChangeList(ChangeList):
    """A list filtered by a search that is stored in the session; the address has only its token."""

    def get_filters(self, request: HttpRequest) -> tuple:
        """Refuse a year that no date has, as Django does with other values that can't be compared."""
        try:
            return super().get_filters(request)
        except OverflowError as error:
            raise IncorrectLookupParameters from error

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> models.QuerySet:
        """Take the search words from the session; no rows if this session doesn't know the token."""
        words = searches.words_of(request)
        self.query = (words or {}).get(SEARCH_VAR, "")
        found = super().get_queryset(request, exclude_parameters)
        return found.none() if words is None else found


def lookups_of(path: str, model: type[models.Model]) -> set[str]:
    """Return the lookups that an admin filter on a field sends; the path may cross relations."""
    options, related = model._meta, None
    for part in path.split("__"):
        related = options.get_field(part).related_model
        options = related._meta if related else options
    exact = f"{path}__{options.pk.name}__exact" if related else f"{path}__exact"
    return {exact, f"{path}__isnull"}


class ReadOnlyAdmin(admin.ModelAdmin):
    """Whoever may enter the admin site may read; nobody may write. Model permissions are not used.

    A list is filtered only by its declared filters, its date hierarchy and its search: with lookups on any column, a
    hash could be found out letter by letter. Reading is in the audit log.
    """

    actions = None
    list_per_page = 50
    formfield_overrides = OVERRIDES
    view_on_site = False

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        """Search names in the form in which they are stored."""
        return super().get_search_results(request, queryset, names.tidy(search_term))

    @cached_property
    def allowed_lookups(self) -> set[str]:
        """The query parameters that may filter the list.

        For a declared filter those that Django's own links send, for the date hierarchy year, month and day.
        """
        fields = (entry[0] if isinstance(entry, tuple) else entry for entry in self.list_filter)
        days = self.date_hierarchy
        periods = {f"{days}__{part}" for part in ("year", "month", "day")} if days else set()
        return periods.union(*(lookups_of(str(field), self.model) for field in fields))

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow only `allowed_lookups`."""
        return lookup in self.allowed_lookups

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Use a list whose search words are in the session."""
        return SearchedChangeList

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Store a search that was posted, or show the list and record which filters were used."""
        if request.method == "POST":
            return self._search(request)
        response = super().changelist_view(request, extra_context)
        if response.status_code != 200:
            return response
        shown = response.context_data["cl"]  # type: ignore[attr-defined]
        filters = sorted(shown.get_filters_params()) + [SEARCH_VAR] * bool(shown.query)
        return self.on_record(request, response, count=len(shown.result_list), filters=filters)

    def _search(self, request: HttpRequest) -> HttpResponse:
        """Store the search words in the session and redirect to the list with their token."""
        words = request.POST.get(SEARCH_VAR, "").replace("\0", "").strip()[: searches.LONGEST]
        query = request.GET.copy()
        for name in (SEARCH_VAR, PAGE_VAR, ERROR_FLAG):
            query.pop(name, None)
        if words:
            query[SEARCH_VAR] = searches.keep(request, {SEARCH_VAR: words})
        return HttpResponseRedirect(f"{request.path}?{query.urlencode()}")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Record that the page is read."""
        response = super().change_view(request, object_id, form_url, extra_context)
        return self.on_record(request, response, object_id)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Record that the page is read."""
        return self.on_record(request, super().history_view(request, object_id, extra_context), object_id)

    def on_record(
        self, request: HttpRequest, response: HttpResponse, object_id: str | None = None, **detail: object
    ) -> HttpResponse:
        """Record in the audit log that the page is read, if it is shown, and return the response."""
        if response.status_code == 200:
            about = self.model(pk=UUID(unquote(object_id))) if object_id else None
            audit.read(
                request, verb="configuration read", obj=about, detail={"of": self.opts.label, **detail}
            )
        return response

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Allow whoever may enter the admin site."""
        return self.admin_site.has_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Allow whoever may enter the admin site."""
        return self.admin_site.has_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Allow nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Allow nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Allow nobody."""
        return False


class ConfigurationAdmin(ReadOnlyAdmin):
    """Configuration that an administrator adds and changes. `labels` are field labels that differ from the model's."""

    form = ConfigurationForm
    labels: Mapping[str, "StrOrPromise"] = {}

    def write(self, *, obj: Any, form: Any, by: Any, now: datetime) -> None:
        """Save one object through its operation."""
        raise NotImplementedError(f"{type(self).__name__} does not say which operation saves")

    def write_row(self, *, obj: Any, form: Any, by: Any, now: datetime) -> None:
        """Save one row of an inline through its operation; `form` is the form of the page's main object."""
        raise NotImplementedError(f"{type(self).__name__} does not say which operation saves a row")

    def remove(self, *, obj: Any, by: Any, now: datetime) -> None:
        """Delete one object, or one row of an inline, through its operation."""
        raise NotImplementedError(f"{type(self).__name__} does not say which operation removes")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Allow whoever may enter the admin site."""
        return self.admin_site.has_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Allow whoever may enter the admin site."""
        return self.admin_site.has_permission(request)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm]:
        """Pass the labels, and the operation's refusal if the page is shown again."""
        form = super().get_form(request, obj, change, **{"labels": self.labels, **kwargs})
        form.refusal = getattr(request, "refusal", None)  # type: ignore[attr-defined]
        return form

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save through `write`."""
        self.write(obj=obj, form=form, by=request.user, now=now())

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Delete and save rows through `remove` and `write_row`."""
        rows = formset.save(commit=False)
        for row in formset.deleted_objects:
            self.remove(obj=row, by=request.user, now=now())
        for row in rows:
            self.write_row(obj=row, form=form, by=request.user, now=now())

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete through `remove`."""
        self.remove(obj=obj, by=request.user, now=now())

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        """Save everything on the page or nothing; if an operation refuses, show the form again with the error."""
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
        """Delete, or go back to the object with the refusal as a message."""
        try:
            with all_or_nothing():
                response = super().delete_view(request, object_id, extra_context)
                return self.on_record(request, response, object_id)
        except REFUSED as error:
            self.message_user(request, " ".join(refusal_of(error).messages), messages.ERROR)
        return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", object_id)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[list, dict, set, list]:
        """Name only the objects themselves: what refers to them may be case content and is not looked up."""
        names = [str(obj) for obj in objs]
        return names, {str(self.opts.verbose_name_plural): len(names)}, set(), []


class ConfigurationInline(admin.TabularInline):
    """Rows that belong to one configured object, written by that object's admin."""

    extra = 0
    form = ConfigurationForm
    formfield_overrides = OVERRIDES
    labels: Mapping[str, "StrOrPromise"] = {}

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Allow whoever may enter the admin site."""
        return self.admin_site.has_permission(request)

    has_add_permission = has_change_permission = has_delete_permission = has_view_permission

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """Leave it to the operation to refuse a deletion: Django would list what refers to the row."""
        formset = super().get_formset(request, obj, **{"labels": self.labels, **kwargs})
        formset.form.hand_clean_DELETE = lambda form: None  # type: ignore[attr-defined]
        return formset


class ReadOnlyInline(ConfigurationInline):
    """Rows that are shown and can't be changed."""

    can_delete = False
    max_num = 0

    def has_add_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Allow nobody."""
        return False

    has_change_permission = has_delete_permission = has_add_permission
