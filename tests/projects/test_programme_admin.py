"""Programmes in the admin: services, donors, criteria and phases."""

import json
from datetime import date

import pytest

from accounts.models import Organisation
from projects.models import BudgetLine, Donor, Project
from tests import factories
from tests.projects import test_admin
from tests.projects.test_admin import address, errors, filled, row, send

administrator = test_admin.administrator
entered = test_admin.entered


def test_a_service_is_added_changed_and_removed(administrator, entered):
    project = factories.project()
    where = address(Project, "change", project.pk)
    count = project.service_types.count()
    added = row(
        "service_types", count, count + 1, code="advice", name_en="Advice", about="person", project=project.pk
    )
    send(administrator, where, added)
    made = project.service_types.get(code="advice")
    rows = list(administrator.get(where).context["inline_admin_formsets"][2].formset.initial_forms)
    (prefix,) = [form.prefix for form in rows if form.instance == made]
    send(administrator, where, {f"{prefix}-name_en": "Legal advice", f"{prefix}-code": "other"})
    made.refresh_from_db()
    assert (made.code, made.name_en) == ("advice", "Legal advice")
    send(administrator, where, {f"{prefix}-DELETE": "on"})
    assert project.service_types.count() == count


def test_a_row_that_grants_refer_to_is_not_deleted_and_they_stay_hidden(administrator, entered):
    """The access policies hide the grants from the administrator; the foreign key still refuses."""
    project = factories.project()
    where = address(Project, "change", project.pk)
    rows = administrator.get(where).context["inline_admin_formsets"][5].formset.initial_forms
    (prefix,) = [form.prefix for form in rows if form.instance.code == "grants"]
    answer = send(administrator, where, {f"{prefix}-DELETE": "on", "name_en": "Changed too"})
    assert answer.status_code == 200
    assert "This can’t be deleted: it is in use." in answer.content.decode()
    assert BudgetLine.objects.filter(project=project, code="grants").exists()
    project.refresh_from_db()
    assert project.name_en != "Changed too"


def test_a_donor_of_a_programme_is_not_deleted(administrator, entered):
    donor = factories.project().project_donors.select_related("donor")[0].donor
    answer = administrator.post(address(Donor, "delete", donor.pk), {"post": "yes"}, follow=True)
    assert "This can’t be deleted: it is in use." in answer.content.decode()
    assert Donor.objects.filter(pk=donor.pk).exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ends_on": "2000-01-01"}, "The last day can’t be before the first day."),
        ({"code": "RASNM"}, "already exists"),
        ({"countries": ["XX"]}, "XX is not one of the available choices"),
        ({"name_en": "x" * 10_000}, "at most 300 characters"),
        ({"starts_on": "yesterday"}, "Write the date as year, month and day"),
        ({"grant_ceiling_npr": "1" * 40}, "The amount is too large"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_malformed_programme_is_refused(changes, said, administrator, entered):
    before = Project.objects.count()
    typed = {
        "code": "NEW",
        "name_en": "A new programme",
        "starts_on": "2026-01-01",
        "ends_on": "2027-12-31",
        "managed_by": Organisation.objects.get(code="IOM").pk,
    }
    answer = send(administrator, address(Project, "add"), typed | changes)
    assert said in errors(answer)
    assert Project.objects.count() == before


ADULT = {
    "code": "adult",
    "label_en": "18 or over",
    "label_ne": "१८ वर्ष वा सोभन्दा माथि",
    "fact": "age",
    "at_least": 18,
}


def test_revised_criteria_are_a_new_version_and_the_old_one_stays(administrator, entered):
    project = factories.project()
    old = project.criteria.get()
    where = address(Project, "criteria", project.pk)
    tree = {"all": [old.tree, ADULT]}
    answer = send(administrator, where, {"tree": json.dumps(tree)})
    assert answer.redirect_chain == [(address(Project, "change", project.pk), 302)]
    assert "Version 2 of the criteria is used from now on." in answer.content.decode()
    trees = {row.version: row.tree for row in project.criteria.all()}
    assert trees == {1: old.tree, 2: tree}
    again = send(administrator, where, {})
    assert "nothing was changed" in again.content.decode()
    assert project.criteria.count() == 2


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "This field is required."),
        ("{", "This is not well-formed JSON: line 1, column 2."),
        ("[]", "Line 1: expected a criterion"),
        ("null", "Line 1: expected a criterion"),
        ('{"all": []}', "expected a list of criteria, found an empty list"),
        (
            '{"all": [\n\n{"fact": "agee", "at_least": 18}]}',
            "Line 4: expected a fact (near it: age), found 'agee'",
        ),
        ('{"fact": "age", "in": ["NP"]}', "expected one of at_least, below for age, found in"),
        ('{"fact": "age", "at_least": 18, "at_least": 1}', "“at_least” appears twice in one place."),
        (
            '{"fact": "age", "at_least": 18, "label_en": "\\u0000"}',
            "It has a character that can’t be saved.",
        ),
        (
            '{"fact": "age", "at_least": 18, "label_en": "\\ud800"}',
            "It has a character that can’t be saved.",
        ),
        ('{"fact": "country_of_stay", "in": ["AQ"]}', "The criteria name AQ, which is not among"),
        ('{"all": [' * 40 + "]}" * 40, "It has more than 24 levels inside each other."),
        ("[" * 50_000, "It has more than 24 levels inside each other."),
        ('{"fact": ' + "9" * 5_000 + "}", "It has a number that is too long."),
        ('"' + "x" * 100_001 + '"', "at most 100000 characters"),
    ],
    ids=range(15),
)
def test_malformed_criteria_are_refused(typed, said, administrator, entered):
    project = factories.project()
    answer = send(administrator, address(Project, "criteria", project.pk), {"tree": typed})
    assert answer.status_code == 200
    found = answer.context["adminform"].form.errors["tree"]
    assert said in " ".join(found)
    assert project.criteria.count() == 1


def test_criteria_that_somebody_else_revised_meanwhile_are_refused(administrator, entered):
    project = factories.project()
    where = address(Project, "criteria", project.pk)
    opened = administrator.get(where)
    send(administrator, where, {"tree": json.dumps(ADULT)})
    late = administrator.post(where, filled(opened, {}))
    assert "Somebody made a new version in the meantime." in late.content.decode()
    assert project.criteria.count() == 2


def test_a_new_phase_copies_the_programme(administrator, entered):
    project = factories.project()
    where = address(Project, "phase", project.pk)
    days = {"starts_on": "2028-01-01", "ends_on": "2029-12-31"}
    wrong = send(administrator, where, {"code": project.code, **days})
    assert "already exists" in errors(wrong)
    wrong = send(administrator, where, {"code": "RASNM-3", **days, "ends_on": "2027-01-01"})
    assert "The last day can’t be before the first day." in errors(wrong)
    send(administrator, where, {"code": "RASNM-3", **days})
    phase = Project.objects.get(code="RASNM-3")
    assert (phase.phase_of, phase.starts_on, phase.ends_on) == (project, date(2028, 1, 1), date(2029, 12, 31))
    for part in (
        "partners",
        "project_donors",
        "service_types",
        "indicators",
        "follow_up_intervals",
        "budget_lines",
    ):
        assert getattr(phase, part).count() == getattr(project, part).count() > 0, part
    assert phase.criteria.get().tree == project.criteria.get().tree
    assert [entry.version for entry in phase.criteria.all()] == [1]
