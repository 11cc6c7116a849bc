"""Every write to programmes and their ledger."""

from collections.abc import Collection, Iterator
from copy import copy
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.auth.models import Permission as DjangoPermission
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext as _

from accounts.choices import OrganisationKind, Permission, RequestKind
from accounts.models import AccessRequest, Organisation, Role
from accounts.operations.access import ask_access, needs_second_user
from accounts.operations.organisation import save_organisation
from accounts.operations.users import refuse_own_role
from accounts.queries import may_configure
from core import audit
from core.integrity import violated
from projects.models import (
    BudgetLine,
    Criteria,
    Donor,
    FollowUpInterval,
    Indicator,
    LedgerEntry,
    Project,
    ProjectDonor,
    ProjectGroupPermission,
    ProjectPartner,
    ServiceType,
)
from projects.programme_files import Programme, definition_digest
from projects.rules import digest

IOM_CODE, IOM_NAME = "IOM", ("IOM Nepal", "आईओएम नेपाल")


class NotEnoughLeft(ValidationError):
    """The budget line has too little left for the expense."""


def _require_configure(by) -> None:
    if by is not None and not may_configure(by):
        raise PermissionDenied


@transaction.atomic
def save_configuration(*, obj: models.Model, by, now: datetime) -> models.Model:
    """Add or change one object of a programme's definition: a programme, donor, service, interval, budget line, …

    Raises ValidationError where the managing organisation of a programme in use would change.
    """
    _require_configure(by)
    obj.full_clean()
    try:
        with transaction.atomic():
            obj.save()
    except IntegrityError as error:
        if violated(error) == "projects_project_code_stays":
            raise ValidationError(
                {"code": _("A programme keeps its code. Start a new phase instead.")}
            ) from error
        if violated(error) != "projects_project_stays":
            raise
        text = _(
            "Somebody was admitted to this programme, or it spent money: the organisation that "
            "manages it can't be changed. Start a new phase instead."
        )
        raise ValidationError({"managed_by": text}) from error
    audit.record(by=by, verb="configuration saved", obj=obj, now=now)
    return obj


@transaction.atomic
def remove_configuration(*, obj: models.Model, by, now: datetime) -> None:
    """Delete one object of a programme's definition, to which nothing refers."""
    _require_configure(by)
    removed = copy(obj)  # delete() clears its id
    obj.delete()
    audit.record(by=by, verb="configuration removed", obj=removed, now=now)


@transaction.atomic
def revise_criteria(*, project: Project, tree: dict[str, Any], by, now: datetime) -> Criteria:
    """Add a version of the criteria and return it; return the newest one where the tree is the same.

    Earlier decisions keep their version.
    """
    _require_configure(by)
    project = Project.objects.select_for_update().get(pk=project.pk)
    newest = Criteria.objects.filter(project=project).order_by("-version").first()
    if newest is not None and newest.digest == digest(tree):
        return newest
    criteria = Criteria.objects.create(
        project=project,
        version=newest.version + 1 if newest else 1,
        tree=tree,
        digest=digest(tree),
        made_at=now,
    )
    audit.record(by=by, verb="criteria revised", obj=criteria, now=now, detail={"version": criteria.version})
    return criteria


@transaction.atomic
def start_new_phase(
    *, project: Project, code: str, starts_on: date, ends_on: date, by, now: datetime
) -> Project:
    """Copy a programme's definition under a new code and with new dates."""
    _require_configure(by)
    phase = Project.objects.get(pk=project.pk)
    phase.pk, phase._state.adding = None, True
    phase.id = Project._meta.pk.get_default()
    phase.code, phase.starts_on, phase.ends_on = code, starts_on, ends_on
    phase.phase_of, phase.definition_digest = project, ""
    phase.full_clean()
    phase.save(force_insert=True)
    for model in (ProjectDonor, ProjectPartner, ServiceType, Indicator, FollowUpInterval, BudgetLine):
        for row in model.objects.filter(project=project):
            row.id, row.project, row._state.adding = model._meta.pk.get_default(), phase, True
            row.save(force_insert=True)
    newest = Criteria.objects.filter(project=project).order_by("-version").first()
    if newest is not None:
        revise_criteria(project=phase, tree=newest.tree, by=by, now=now)
    audit.record(by=by, verb="phase started", obj=phase, now=now, detail={"of": project.code})
    return phase


@transaction.atomic
def choose_programmes(
    *, role: Role, projects: Collection[Project], by, now: datetime
) -> Role | AccessRequest:
    """Set the single programmes whose references and aggregates this role sees.

    Access to others ends at once. Where the organisation has cases, more programmes need the approval of a second
    user: then the request is returned instead of the role.
    """
    _require_configure(by)
    refuse_own_role(role, by=by, now=now)
    if any(project.managed_by_id != role.organisation_id for project in projects):
        raise ValidationError(_("A role sees the amounts only of programmes that its organisation manages."))
    read_summaries = DjangoPermission.objects.get(
        content_type__app_label="projects", content_type__model="project", codename=Permission.READ_SUMMARIES
    )
    existing, request = ProjectGroupPermission.objects.filter(group=role.group_id), None
    wanted, former = set(projects), set(Project.objects.filter(projectgrouppermission__in=existing))
    if needs_second_user(organisation_id=role.organisation_id, by=by) and wanted - former:
        request = ask_access(
            kind=RequestKind.PROGRAMMES,
            organisation=role.organisation,
            role=role,
            programmes=sorted(project.code for project in wanted),
            by=by,
            now=now,
        )
        wanted &= former
    existing.exclude(content_object__in=wanted).delete()
    for project in wanted - former:
        ProjectGroupPermission.objects.create(
            group_id=role.group_id, content_object=project, permission=read_summaries
        )
    detail = {"programmes": sorted(project.code for project in wanted)}
    audit.record(by=by, verb="programmes chosen", obj=role, now=now, detail=detail)
    return request or role


def choose_asked_programmes(*, request: AccessRequest, now: datetime) -> None:
    """Apply an approved request for more programmes."""
    assert request.role is not None
    projects = list(Project.objects.filter(code__in=request.programmes))
    choose_programmes(role=request.role, projects=projects, by=None, now=now)


@transaction.atomic
def post_expense(
    *,
    budget_line: BudgetLine,
    organisation: Organisation,
    amount_npr: Decimal,
    on: date,
    source_kind: str,
    source_id: UUID,
    by,
    now: datetime,
) -> LedgerEntry:
    """Post a payment in NPR, once for each source. The calling operation checks the permission.

    Raises NotEnoughLeft.
    """
    entry = LedgerEntry(
        budget_line=budget_line,
        organisation=organisation,
        amount_npr=amount_npr,
        posted_on=on,
        posted_by=by,
        posted_at=now,
        source_kind=source_kind,
        source_id=source_id,
    )
    try:
        with transaction.atomic():
            entry.save(force_insert=True)
    except IntegrityError as error:
        if violated(error) != "projects_ledger_within_line":
            raise
        raise NotEnoughLeft(
            _("The budget line “%s” does not have enough left for this.") % budget_line.name
        ) from error
    return entry


@transaction.atomic
def load_programme(*, programme: Programme, by=None, now: datetime) -> int:
    """Update the database from one programme's file; return how many rows were written.

    A file that was loaded before and hasn't changed writes nothing, so that later changes by administrators stay.
    """
    _require_configure(by)
    wanted = definition_digest(programme)
    existing = Project.objects.select_for_update().filter(code=programme.code).first()
    if existing is not None and existing.definition_digest == wanted:
        return 0
    manager = (
        (existing.managed_by, 0)
        if existing is not None
        else _organisation(IOM_CODE, OrganisationKind.IOM, *IOM_NAME, by=by, now=now)
    )
    project, written = _project(programme, manager[0], wanted)
    written += manager[1] + _parts(project, programme, by, now)
    before = Criteria.objects.filter(project=project).count()
    revise_criteria(project=project, tree=dict(programme.criteria), by=by, now=now)
    written += Criteria.objects.filter(project=project).count() - before
    audit.record(by=by, verb="programme loaded", obj=project, now=now, detail={"rows": written})
    return written


def _put(model: type[models.Model], key: dict[str, Any], values: dict[str, Any]) -> tuple[Any, int]:
    """Return the row with this key, created or updated to these values, and how many rows were written (0 or 1)."""
    row = model._default_manager.filter(**key).first()
    if row is None:
        return model._default_manager.create(**key, **values), 1
    if any(getattr(row, name) != value for name, value in values.items()):
        for name, value in values.items():
            setattr(row, name, value)
        row.save()
        return row, 1
    return row, 0


def _organisation(code: str, kind: str, name_en: str, name_ne: str, *, by, now) -> tuple[Organisation, int]:
    found = Organisation.objects.filter(code=code).first()
    if found is not None:
        return found, 0
    organisation = Organisation(code=code, kind=kind, name_en=name_en, name_ne=name_ne)
    return save_organisation(organisation=organisation, by=by, now=now), 1


def _project(programme: Programme, manager: Organisation, wanted: str) -> tuple[Project, int]:
    grant = programme.grant
    phase_of = Project.objects.get(code=programme.phase_of) if programme.phase_of else None
    return _put(
        Project,
        {"code": programme.code},
        {
            "name_en": programme.name_en,
            "name_ne": programme.name_ne,
            "summary_en": programme.summary_en,
            "summary_ne": programme.summary_ne,
            "starts_on": programme.period.starts_on,
            "ends_on": programme.period.ends_on,
            "phase_of": phase_of,
            "managed_by": manager,
            "countries": list(programme.countries),
            "districts": list(programme.districts),
            "target_groups": list(programme.target_groups),
            "grant_ceiling_npr": Decimal(grant.ceiling_npr) if grant else None,
            "grant_instalments_max": (grant.instalments_max or 3) if grant else 3,
            "definition_digest": wanted,
        },
    )


def _names(entry) -> dict[str, Any]:
    return {"name_en": entry.name_en, "name_ne": entry.name_ne}


def _labels(entry) -> dict[str, Any]:
    return {"label_en": entry.label_en, "label_ne": entry.label_ne}


def _parts(project: Project, programme: Programme, by, now: datetime) -> int:
    """Save the objects that belong to a programme; return how many rows were written."""
    written = 0
    for entry in programme.donors:
        donor, new = _put(Donor, {"code": entry.code}, _names(entry))
        written += new + _put(ProjectDonor, {"project": project, "donor": donor}, {})[1]
    for partner in programme.partners:
        organisation, new = _organisation(
            partner.code, partner.kind, partner.name_en, partner.name_ne, by=by, now=now
        )
        does = {"does_en": partner.does_en, "does_ne": partner.does_ne}
        written += new + _put(ProjectPartner, {"project": project, "organisation": organisation}, does)[1]
    return written + sum(
        _put(model, {"project": project, key: code}, values)[1]
        for model, key, code, values in _keyed_parts(programme)
    )


def _npr(amount: int | None) -> Decimal | None:
    return None if amount is None else Decimal(amount)


def _keyed_parts(programme: Programme) -> Iterator[tuple[type[models.Model], str, str, dict[str, Any]]]:
    """Yield model, key field, key and values of each object that has a key within its programme."""
    for service in programme.services:
        values = _names(service) | {"about": service.about, "ceiling_npr": _npr(service.ceiling_npr)}
        yield ServiceType, "code", service.code, values
    for row in programme.indicators:
        values = _labels(row) | {"unit": row.unit, "source": row.source, "target": _npr(row.target)}
        yield Indicator, "key", row.key, values
    for interval in programme.follow_ups:
        values = _labels(interval) | {
            "kind": interval.kind,
            "starts": interval.starts,
            "after_days": interval.after_days,
        }
        yield FollowUpInterval, "code", interval.code, values
    for line in programme.budget_lines:
        yield (
            BudgetLine,
            "code",
            line.code,
            _names(line)
            | {
                "amount_npr": _npr(line.amount_npr),
                "pays_grants": line.pays_grants,
            },
        )
