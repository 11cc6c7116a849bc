"""Rows of long tables as HTML: a template's loop takes ten times as long for fifty rows of eight cells."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from django.utils.safestring import SafeString, mark_safe


@dataclass(frozen=True, slots=True)
class RowHeader:
    """The header cell of a row: a link, and beside it the same name in Nepali script."""

    url: str
    text: str
    text_ne: str = ""


def table_rows(labels: Sequence[str], rows: Iterable[tuple[RowHeader, Sequence[str]]]) -> SafeString:
    """Return the rows of an `app-table`; `labels` are shown beside the cells after the header on a phone.

    All texts are escaped here: none is taken for HTML.
    """
    openings = [f'<td class="govuk-table__cell" data-label="{escape(label)}">' for label in labels]
    lines = []
    for header, cells in rows:
        other = f' <span lang="ne">{escape(header.text_ne)}</span>' if header.text_ne else ""
        lines.append(
            '<tr class="govuk-table__row"><th scope="row" class="govuk-table__header">'
            f'<a class="govuk-link" href="{escape(header.url)}">{escape(header.text)}</a>{other}</th>'
        )
        lines += [f"{opening}{escape(cell)}</td>" for opening, cell in zip(openings, cells, strict=True)]
        lines.append("</tr>")
    return mark_safe("".join(lines))  # noqa: S308 - escaped above
