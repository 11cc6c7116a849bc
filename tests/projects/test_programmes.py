"""Programmes as data: loaded once, versioned, refused when malformed."""

import subprocess
import sys

import pytest

from accounts.models import Organisation
from beneficiaries.models import Assessment
from core.clock import now
from core.context import acting_as
from geography.models import District, LocalLevel, Province
from projects.models import Criteria, Project
from projects.operations import load_programme, revise_criteria, start_new_phase
from projects.programme_files import read_all
from tests import databases, factories

FIVE = {"TRRIN", "FWW", "RASNM", "TSVCSP", "PTLO"}


def test_loading_twice_writes_nothing_the_second_time(committed):
    done = databases.manage(committed, "load_programmes")
    assert done.stdout.splitlines()[-1] == "programmes 5 places 7/77/753 rows written 0"
    assert set(Project.objects.exclude(code="RASNM-2").values_list("code", flat=True)) == FIVE
    assert (Province.objects.count(), District.objects.count(), LocalLevel.objects.count()) == (7, 77, 753)


def test_a_malformed_file_loads_nothing(committed, tmp_path):
    """File, line and what was expected; the database stays as it was."""
    import shutil

    from projects.programme_files import FOLDER

    folder = tmp_path / "programmes"
    shutil.copytree(FOLDER, folder)
    broken = folder / "FWW.yaml"
    broken.write_text(
        broken.read_text(encoding="utf-8").replace("has_any:", "has_some:", 1), encoding="utf-8"
    )
    before = Criteria.objects.count()
    code = (
        "import sys, django; django.setup()\n"
        "from pathlib import Path\n"
        "from django.core.management import call_command\n"
        "from projects import programme_files\n"
        "programme_files.read_all.__defaults__ = (Path(sys.argv[1]),)\n"
        "call_command('load_programmes')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        env=databases.environment(committed) | {"DJANGO_SETTINGS_MODULE": "iom_cases.settings"},
        cwd=databases.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "FWW.yaml:" in done.stderr
    assert "expected" in done.stderr
    assert done.stderr.rstrip().endswith("Nothing was loaded.")
    assert Criteria.objects.count() == before


@pytest.mark.django_db
def test_an_edited_definition_makes_a_new_version_and_old_assessments_keep_theirs(demo_users):
    by = demo_users["ngo_a_caseworker"]
    with acting_as(by):
        case = factories.a_case(by)
        factories.admitted(case, by)
        old = Assessment.objects.visible_to(by).get(case=case)
    project = factories.project()
    tree = {
        "all": [
            *old.criteria.tree["all"],
            {"code": "adult", "label_en": "18 or over", "fact": "age", "at_least": 18},
        ]
    }
    newer = revise_criteria(project=project, tree=tree, by=demo_users["administrator"], now=now())
    assert newer.version == old.criteria.version + 1
    assert revise_criteria(project=project, tree=tree, by=demo_users["administrator"], now=now()) == newer
    with acting_as(by):
        old.refresh_from_db()
        assert old.criteria.version == 1
        second = factories.a_case(by)
        factories.admitted(second, by)
        assert Assessment.objects.visible_to(by).get(case=second).criteria == newer


@pytest.mark.django_db
def test_what_an_administrator_changed_survives_loading_the_same_file():
    project = Project.objects.get(code="RASNM")
    Project.objects.filter(pk=project.pk).update(grant_ceiling_npr=70000)
    programme = next(p for p in read_all() if p.code == "RASNM")
    assert load_programme(programme=programme, now=now()) == 0
    project.refresh_from_db()
    assert project.grant_ceiling_npr == 70000


@pytest.mark.django_db
def test_a_new_phase_copies_the_definition(demo_users):
    old = Project.objects.get(code="FWW")
    today = now().date()
    phase = start_new_phase(
        project=old,
        code="FWW-2",
        starts_on=today,
        ends_on=today.replace(year=today.year + 2),
        by=demo_users["administrator"],
        now=now(),
    )
    old.refresh_from_db()
    assert old.code == "FWW"
    assert phase.phase_of == old
    for name in (
        "service_types",
        "indicators",
        "follow_up_intervals",
        "budget_lines",
        "partners",
        "project_donors",
    ):
        assert getattr(phase, name).count() == getattr(old, name).count() > 0, name
    assert phase.criteria.get().tree == old.criteria.get().tree


@pytest.mark.django_db
def test_only_administrators_configure(demo_users):
    from django.core.exceptions import PermissionDenied

    for username in ("ngo_a_caseworker", "iom_supervisor", "auditor"):
        with pytest.raises(PermissionDenied):
            revise_criteria(project=factories.project(), tree={"all": []}, by=demo_users[username], now=now())
    assert Organisation.objects.filter(code__in=["NGO_A", "NGO_B", "IOM"]).count() == 3
