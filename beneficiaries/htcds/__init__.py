"""Reading the Human Trafficking Case Data Standard 2.0: its columns, its codes, a workbook, a row. No rows of ours."""

from beneficiaries.htcds.row import Reading, read_row
from beneficiaries.htcds.workbook import NotHtcds, Table, read_workbook

__all__ = ["NotHtcds", "Reading", "Table", "read_row", "read_workbook"]
