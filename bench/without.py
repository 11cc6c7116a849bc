"""The site with one of its fast ways replaced by plain Django, for gunicorn, to measure what each of them wins.

`WITHOUT` in the environment names one of `WAYS`, or `all`. The pages show the same words. For the bench only.
"""

import os
import sys
from collections.abc import Callable

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()

from django.db.models import QuerySet  # noqa: E402 - models can be imported only after setup
from django.template import engines  # noqa: E402
from django.template.loader import render_to_string  # noqa: E402
from django.utils.safestring import mark_safe  # noqa: E402

import iom_cases.urls  # noqa: E402, F401 - imports the views, whose names are replaced below
from beneficiaries import models as beneficiaries  # noqa: E402
from beneficiaries.models.base import CaseLinkedQuerySet, _rows_of_case  # noqa: E402
from core.related import fill_in  # noqa: E402
from core.rendering import PlainSelect  # noqa: E402
from core.statements import Select  # noqa: E402
from core.tables import table_rows  # noqa: E402
from reintegration import models as reintegration  # noqa: E402

# What the case file's querysets join, without `fill_in`.
JOINED = {
    beneficiaries.CaseFile: ("caseworker", "current_district"),
    beneficiaries.RiskAssessment: ("by",),
    beneficiaries.CaseNote: ("by",),
    beneficiaries.Document: ("by",),
    beneficiaries.Consent: ("recorded_by", "organisation"),
    beneficiaries.EmergencyOpening: ("user",),
    beneficiaries.CaseTransfer: ("offered_by", "answered_by", "sender", "receiver"),
    beneficiaries.Assignment: ("former", "caseworker", "by"),
    beneficiaries.Enrolment: ("project",),
    beneficiaries.Assessment: ("by", "project"),
    reintegration.Plan: ("by",),
    reintegration.Grant: ("requested_by", "endorsed_by", "approved_by", "refused_by"),
    reintegration.Instalment: ("paid_by",),
    reintegration.FollowUp: ("recorded_by",),
}
ROWS = """{% for header, cells in rows %}<tr class="govuk-table__row">
<th scope="row" class="govuk-table__header"><a class="govuk-link" href="{{ header.url }}">{{ header.text }}</a>
{% if header.text_ne %}<span lang="ne">{{ header.text_ne }}</span>{% endif %}</th>
{% for label, text in cells %}<td class="govuk-table__cell" data-label="{{ label }}">{{ text }}</td>{% endfor %}
</tr>{% endfor %}"""
joins = False


def _replace(function: Callable, by: Callable) -> None:
    """Replace a function in every module that has imported it."""
    for module in list(sys.modules.values()):
        for name in [name for name, value in vars(module).items() if value is function]:
            if module is not sys.modules[__name__]:
                setattr(module, name, by)


def _joined(rows: QuerySet) -> QuerySet:
    return rows.select_related(*JOINED[rows.model]) if joins and rows.model in JOINED else rows


def without_statements() -> None:
    """Compile each queryset whenever it is read."""
    Select.__call__ = lambda self, *values: list(self.make(*values))


def without_related() -> None:
    """Join the users, programmes, organisations and districts that rows name."""
    global joins
    joins = True

    def prepared(model, order, without):
        made = _rows_of_case(model, order, without)
        if not hasattr(made, "joined"):
            build = made.make
            made.make, made.joined = lambda *values: _joined(build(*values)), True
        return made

    _replace(_rows_of_case, prepared)
    _replace(fill_in, lambda model, *wanted: None)


def without_tables() -> None:
    """Render the list's rows with the component that draws the other tables."""

    def rendered(labels, rows):
        lines = [
            {
                "cells": [
                    {"text": header.text, "url": header.url, "hint": header.text_ne},
                    *({"text": cell} for cell in cells),
                ]
            }
            for header, cells in rows
        ]
        columns = [{"label": label} for label in ("", *labels)]
        table = render_to_string("components/table.html", {"columns": columns, "rows": lines})
        return mark_safe(table.partition("<tbody")[2].partition(">")[2].partition("</tbody>")[0])

    _replace(table_rows, rendered)


def without_tables_with_a_loop() -> None:
    """Render the list's rows with a loop in the page's own template, as fast as templates are."""
    loop = engines["django"].from_string(ROWS)

    def rendered(labels, rows):
        return loop.render({"rows": [(header, zip(labels, cells, strict=True)) for header, cells in rows]})

    _replace(table_rows, rendered)


def without_plain_select() -> None:
    """Render selects with Django's templates."""
    del PlainSelect.render


def without_of() -> None:
    """Ask the scope of each table of a case anew."""

    def of(self, case, user, *, order=(), without=()):
        order = order or tuple(map(str, self.model._meta.ordering))
        return list(_joined(self.visible_to(user).filter(case=case)).order_by(*order).defer(*without))

    CaseLinkedQuerySet.of = of


WAYS = {
    "statements": without_statements,
    "related": without_related,
    "tables": without_tables,
    "tables_loop": without_tables_with_a_loop,
    "plain_select": without_plain_select,
    "of": without_of,
}

together = [name for name in WAYS if name != "tables_loop"]
for name in together if os.environ["WITHOUT"] == "all" else [os.environ["WITHOUT"]]:
    WAYS[name]()
