"""The kinds of list that can be taken out, by their codes; higher apps add theirs as the site starts."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.db.models import QuerySet

from accounts.choices import Permission
from accounts.queries import authority_of
from core.spreadsheets import Cell

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

CHUNK = 500  # rows that are fetched at a time


@dataclass(frozen=True)
class Kind:
    """One kind of list.

    `opened_by`: any one of these permissions, beside the one to take lists out, in the organisation whose list it is.
    `filters`: the form by which the page of the list narrows; what it takes is passed on as it stands in the address.
    `rows`: for a person, an organisation, filters and a day; asked when it is counted and again when it is written,
    through `visible_to` and consent. `cells`: what the file says of these rows.
    """

    title: "StrOrPromise"
    opened_by: tuple[Permission, ...]
    filters: type[forms.Form]
    columns: Callable[[], list[str]]
    rows: Callable[[Any, UUID, Mapping[str, str], date], QuerySet]
    cells: Callable[[Any, QuerySet, date], Generator[Sequence[Cell]]]


kinds: dict[str, Kind] = {}


def organisations_for(kind: Kind, user) -> frozenset[UUID]:
    """Organisations whose list of this kind a person may take out."""
    authority = authority_of(user)
    return authority.where(Permission.EXPORT_CASES) & authority.where(*kind.opened_by)


def filters_in(form: forms.Form) -> dict[str, str]:
    """By what a list's page narrows, as it stands in the address; nothing where the form takes it not."""
    if not form.is_valid():
        return {}
    return {name: form.data[name].strip() for name in form.fields if form.cleaned_data[name]}
