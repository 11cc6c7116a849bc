"""The command `import_cases`."""

from itertools import groupby
from pathlib import Path
from typing import NoReturn

from django.core.management.base import BaseCommand

from accounts.choices import Permission
from accounts.models import Organisation
from accounts.queries import holders
from beneficiaries.htcds import NotHtcds, Table, read_workbook
from beneficiaries.operations.importing import ImportReport, import_htcds
from core.clock import now
from core.context import acting_as

MOST_NUMBERS = 20


class Command(BaseCommand):
    """Import cases from a file of an organisation."""

    help = "Open a case for each row of a file, led by an organisation. The same file again doubles nothing."

    def add_arguments(self, parser) -> None:
        """Add the file, its format, the lead organisation, the caseworker and `--dry-run`."""
        parser.add_argument("file", type=Path, help="the workbook (XLSX)")
        parser.add_argument(
            "--format",
            required=True,
            choices=["htcds"],
            help="htcds: Human Trafficking Case Data Standard 2.0. An NGO's own register (sheet) comes later",
        )
        parser.add_argument(
            "--organisation", required=True, help="code of the organisation that leads the cases"
        )
        parser.add_argument(
            "--as",
            dest="username",
            help="who imports, and is the cases' caseworker; otherwise the organisation's first by username "
            "who may write cases",
        )
        parser.add_argument("--dry-run", action="store_true", help="report the same and write nothing")

    def handle(self, *args, **options) -> None:
        """Import the file and print the report; exit with 1 where nothing can be imported."""
        organisation = Organisation.objects.filter(code=options["organisation"], is_active=True).first()
        if organisation is None:
            self._refuse(f"there is no active organisation with the code {options['organisation']}")
        user = self._importer(organisation, options["username"])
        table = self._table(options["file"])
        with acting_as(user):
            report = import_htcds(
                table=table, organisation=organisation, by=user, now=now(), dry_run=options["dry_run"]
            )
        self._print(report, is_trial=options["dry_run"])

    def _importer(self, organisation: Organisation, username: str | None):
        writers = holders(Permission.WRITE_CASES, organisation.pk)
        user = (writers.filter(username=username) if username else writers).first()
        if user is None:
            who = f"{username} may not" if username else "nobody may"
            self._refuse(f"{who} write cases in {organisation.code}")
        return user

    def _table(self, path: Path) -> Table:
        try:
            return read_workbook(path)
        except NotHtcds as error:
            self._refuse(f"{path}: {error}")

    def _print(self, report: ImportReport, *, is_trial: bool) -> None:
        for remark in report.remarks:
            self.stdout.write(remark)
        for number, reasons in report.refused:
            self.stdout.write(f"row {number}: refused: {'; '.join(reasons)}")
        by_text = sorted(report.warnings, key=lambda warning: warning[1])
        for text, found in groupby(by_text, key=lambda warning: warning[1]):
            self.stdout.write(f"{_rows([number for number, _text in found])}: warning: {text}")
        if is_trial:
            self.stderr.write("trial run: nothing was written")
        self.stdout.write(f"new {report.new} already there {report.already_there}")
        self.stdout.write(f"rows {report.rows} accepted {report.accepted} refused {len(report.refused)}")

    def _refuse(self, why: str) -> NoReturn:
        self.stderr.write(f"import_cases: {why}")
        raise SystemExit(1)


def _rows(numbers: list[int]) -> str:
    if len(numbers) == 1:
        return f"row {numbers[0]}"
    more = len(numbers) - MOST_NUMBERS
    return f"rows {', '.join(map(str, numbers[:MOST_NUMBERS]))}{f' and {more} more' if more > 0 else ''}"
