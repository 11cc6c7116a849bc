"""Limits of a workbook, checked in its raw parts before it is opened.

A workbook is a ZIP archive of XML parts, and a few hundred kilobytes unpack to hundreds of megabytes: 5 million empty
strings in a file of 0.2 MB cost openpyxl 88 s and 600 MB. Here parts are unpacked one by one and their tags counted,
which refuses that file in 0.1 s. The measurements are in docs/import.md.
"""

import re
import zipfile
from pathlib import Path

from defusedxml.ElementTree import fromstring, iterparse
from django.utils.translation import gettext as _

MOST_BYTES = 100_000_000  # unpacked
MOST_SHEETS = 50
MOST_TEXTS = 500_000  # shared strings
MOST_TAGS = 12_000_000  # in all parts: four a filled cell
MOST_RUNS = 100_000  # parts of texts with a format of their own
MOST_CELLS = 3_000_000  # empty ones included, which have one tag
MOST_CELLS_OF_ROW = 16_384  # as in Excel; a row is read as a whole
MOST_TAGS_OF_OBJECTS = 100_000  # in a part that openpyxl turns into objects
LONGEST_FORMAT = 255  # characters of a number format, as in Excel; openpyxl takes quadratic time
CONTENT_TYPES, WORKBOOK, STYLES = "[Content_Types].xml", "xl/workbook.xml", "xl/styles.xml"
CHUNK = 1_000_000
_PREFIX = rb"<(?:[^\s<>/:]+:)?"  # of a namespace, in any script
_TEXT = re.compile(_PREFIX + rb"si[\s/>]")
_SHEET = re.compile(_PREFIX + rb"sheet[\s/>]")
_RUN = re.compile(_PREFIX + rb"(?:r|rPh)[\s/>]")
_CELL_OR_ROW = re.compile(_PREFIX + rb"(c|row)[\s/>]")
_NO_ELEMENT = re.compile(rb"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<\?.*?(?:\?>|\Z)", re.DOTALL)
_ENCODING = re.compile(rb"""<\?xml[^>]*encoding\s*=\s*["']([^"']+)""")


class NotHtcds(ValueError):
    """The file can't be read as an HTCDS workbook; the message is one line, shown to users."""


def damaged() -> NotHtcds:
    """Return the error for an archive that can't be read."""
    return NotHtcds(_("is not an XLSX workbook, or is encrypted or damaged"))


def check_bounds(path: Path) -> None:
    """Raise NotHtcds where the unpacked workbook is larger than any real one."""
    try:
        with zipfile.ZipFile(path) as archive:
            _check_archive(archive)
    except OSError as error:
        raise NotHtcds(_("can't be opened: %(why)s") % {"why": error.strerror or error}) from error
    except (NotHtcds, MemoryError):
        raise
    except Exception as error:  # a damaged archive can raise anything
        raise damaged() from error


def _check_archive(archive: zipfile.ZipFile) -> None:
    parts = archive.infolist()
    size = sum(part.file_size for part in parts)  # zipfile reads no more than this
    if size > MOST_BYTES:
        raise NotHtcds(
            _("unpacks to %(size)s MB; at most %(most)s MB are read")
            % {"size": size // 1_000_000, "most": MOST_BYTES // 1_000_000}
        )
    if len({part.filename for part in parts}) < len(parts):
        raise damaged()
    kinds, tags, cells, runs = _kinds(archive), 0, 0, 0
    for part in parts:
        kind, found = kinds.get(part.filename, ""), _tags(archive, part)
        is_workbook = kind.endswith("main+xml") or part.filename == WORKBOOK
        is_objects = is_workbook or part.filename == STYLES or part.filename.endswith(".rels")
        if is_objects and found > MOST_TAGS_OF_OBJECTS:
            raise NotHtcds(_("has too many styles or names; copy its rows into a new workbook"))
        if is_workbook and _count(archive, part, _SHEET) > MOST_SHEETS:
            raise NotHtcds(_("has more than %(most)s sheets; divide it") % {"most": MOST_SHEETS})
        if kind.endswith("sharedStrings+xml") and _count(archive, part, _TEXT) > MOST_TEXTS:
            raise NotHtcds(_("has more than %(most)s different texts; divide it") % {"most": MOST_TEXTS})
        tags += found
        if tags > MOST_TAGS:
            raise NotHtcds(_("has more than %(most)s cells; divide it") % {"most": MOST_TAGS // 4})
        cells += _cells(archive, part, most=MOST_CELLS - cells)
        runs += _count(archive, part, _RUN)
        if runs > MOST_RUNS:
            raise NotHtcds(
                _("has more than %(most)s formatted parts of texts; copy its rows as plain text")
                % {"most": MOST_RUNS}
            )
    if STYLES in archive.namelist():
        _check_formats(archive)


def _check_formats(archive: zipfile.ZipFile) -> None:
    """Raise NotHtcds for a long number format. openpyxl takes it from the attribute or an element of this name."""
    with archive.open(STYLES) as part:
        for _event, element in iterparse(part):
            inner = element.text if element.tag.rpartition("}")[2] == "formatCode" else None
            if max(len(element.get("formatCode", "")), len(inner or "")) > LONGEST_FORMAT:
                raise NotHtcds(
                    _(
                        "has a number format of more than %(most)s characters; copy its rows into a new workbook"
                    )
                    % {"most": LONGEST_FORMAT}
                )


def _kinds(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return the content type of each part, as the archive declares it."""
    part = archive.getinfo(CONTENT_TYPES)
    if _tags(archive, part) > MOST_TAGS_OF_OBJECTS:
        raise damaged()
    root = fromstring(archive.read(part))
    return {row.get("PartName", "").lstrip("/"): row.get("ContentType", "") for row in root}


def _tags(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> int:
    """Return the highest possible number of elements in the part.

    A part in an encoding that spreadsheets don't use, such as UTF-16, is refused, as its tags couldn't be counted.
    """
    with archive.open(part) as stream:
        chunk = stream.read(CHUNK)
        encoding = _ENCODING.search(chunk[:200])
        if encoding and encoding[1].lower() not in (b"utf-8", b"us-ascii"):
            raise damaged()
        if chunk[:2] in (b"<\0", b"\0<", b"\xff\xfe", b"\xfe\xff"):
            raise damaged()
        found = 0
        while chunk:
            found += chunk.count(b"<")
            chunk = stream.read(CHUNK)
    return found


def _cells(archive: zipfile.ZipFile, part: zipfile.ZipInfo, *, most: int) -> int:
    """Return the number of cells in the part. Raises NotHtcds if there are more than `most`, or too many in one row."""
    cells = in_row = longest = 0
    has_rows = False  # the list of formulas (calcChain) has cells without rows
    for found in _CELL_OR_ROW.finditer(_NO_ELEMENT.sub(b"", archive.read(part))):
        if found[1] == b"row":
            has_rows, in_row = True, 0
            continue
        cells, in_row = cells + 1, in_row + 1
        longest = max(longest, in_row)
        if cells > most:
            raise NotHtcds(_("has more than %(most)s cells; divide it") % {"most": MOST_CELLS})
    if has_rows and longest > MOST_CELLS_OF_ROW:
        raise NotHtcds(
            _("has a row of more than %(most)s cells; copy its rows into a new workbook")
            % {"most": MOST_CELLS_OF_ROW}
        )
    return cells


def _count(archive: zipfile.ZipFile, part: zipfile.ZipInfo, pattern: re.Pattern[bytes]) -> int:
    """Return the number of elements with one name in the part."""
    return sum(1 for _found in pattern.finditer(archive.read(part)))
