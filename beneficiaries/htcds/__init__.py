"""Read the Human Trafficking Case Data Standard 2.0: columns, codes, workbooks, rows. Uses no models."""

from beneficiaries.htcds.bounds import NotHtcds
from beneficiaries.htcds.reader import read_workbook
from beneficiaries.htcds.row import Reading, read_row
from beneficiaries.htcds.workbook import Table

__all__ = ["NotHtcds", "Reading", "Table", "read_row", "read_workbook"]
