"""The command `load_programmes`."""

from django.core.management.base import BaseCommand
from django.db import transaction

from core.clock import now
from geography.models import District, LocalLevel, Province
from geography.operations import load_geography
from projects.operations import load_programme
from projects.programme_files import ProgrammeFileError, read_all


class Command(BaseCommand):
    """Load places and programmes from their data files."""

    help = "Load or update places and programme definitions. A second run writes nothing."

    def handle(self, *args, **options) -> None:
        """Read all files, then load them in one transaction; exit with 1 at the first error."""
        try:
            programmes = [programme for programme in read_all() if not programme.is_demo]
        except ProgrammeFileError as error:
            self.stderr.write(f"{error}\nNothing was loaded.")
            raise SystemExit(1) from error
        with transaction.atomic():
            written = sum(load_geography(now=now()).values())
            for programme in programmes:
                rows = load_programme(programme=programme, now=now())
                written += rows
                self.stdout.write(f"{programme.code}: {rows} rows written")
        places = "/".join(str(model.objects.count()) for model in (Province, District, LocalLevel))
        self.stdout.write(f"programmes {len(programmes)} places {places} rows written {written}")
