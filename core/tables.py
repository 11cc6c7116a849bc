"""Long tables, written in one go: a template's loop takes ten times as long for fifty rows of eight cells."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from django.utils.safestring import SafeString, mark_safe


@dataclass(frozen=True, slots=True)
class RowHeader:
    """What heads a row: where it leads, and beside it the same name in Nepali script."""

    url: str
    text: str
    text_ne: str = ""


def table_rows(labels: Sequence[str], rows: Iterable[tuple[RowHeader, Sequence[str]]]) -> SafeString:
    """The rows of an `app-table`; `labels` are those of the cells after the head, shown on a phone.

    Every text is escaped here, once; nothing that comes in counts as HTML.
    """
    openings = [f'<td class="govuk-table__cell" data-label="{escape(label)}">' for label in labels]
    lines = []
    for head, cells in rows:
        other = f' <span lang="ne">{escape(head.text_ne)}</span>' if head.text_ne else ""
        lines.append(
            '<tr class="govuk-table__row"><th scope="row" class="govuk-table__header">'
            f'<a class="govuk-link" href="{escape(head.url)}">{escape(head.text)}</a>{other}</th>'
        )
        lines += [f"{opening}{escape(cell)}</td>" for opening, cell in zip(openings, cells, strict=True)]
        lines.append("</tr>")
    return mark_safe("".join(lines))  # noqa: S308 - escaped above
