"""The kinds of export, by code. Higher apps add theirs at start-up."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.db.models import QuerySet

from accounts.authority import authority_of
from accounts.choices import Permission
from core.spreadsheets import Cell

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

CHUNK = 500  # rows fetched at a time


@dataclass(frozen=True)
class Kind:
    """One kind of export.

    `opened_by`: any one of these permissions is needed beside the one to export, in the organisation of the list.
    `filters`: the form of the list's page; its values are passed on as they are in the URL. `rows`: called with user,
    organisation, filters and day when rows are counted and again when they are written, through `visible_to` and
    consent. `cells`: the cells of these rows.
    """

    title: "StrOrPromise"
    opened_by: tuple[Permission, ...]
    filters: type[forms.Form]
    columns: Callable[[], list[str]]
    rows: Callable[[Any, UUID, Mapping[str, str], date], QuerySet]
    cells: Callable[[Any, QuerySet, date], Generator[Sequence[Cell]]]


kinds: dict[str, Kind] = {}


def organisations_for(kind: Kind, user) -> frozenset[UUID]:
    """Return the organisations where the user may export this kind."""
    authority = authority_of(user)
    return authority.where(Permission.EXPORT_CASES) & authority.where(*kind.opened_by)


def filters_in(form: forms.Form) -> dict[str, str]:
    """Return the filters of a list's page as they are in the URL; empty where the form is invalid."""
    if not form.is_valid():
        return {}
    return {name: form.data[name].strip() for name in form.fields if form.cleaned_data[name]}
