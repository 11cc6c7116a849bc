"""Writes to organisations."""

from datetime import datetime

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts import hooks
from accounts.approval import has_cases
from accounts.choices import STARTING_PERMISSIONS, RoleCode
from accounts.models import Organisation, Role
from accounts.operations.notice import notify_access_managers
from accounts.operations.users import require_configure, set_permissions
from core import audit
from core.integrity import violated


@transaction.atomic
def save_organisation(*, organisation: Organisation, by, now: datetime) -> Organisation:
    """Add or change an organisation and give it every role, with the role's starting permissions.

    Another name of an organisation with cases is notified to its focal points and supervisors.
    """
    require_configure(by=by)
    organisation.full_clean()
    former = Organisation.objects.filter(pk=organisation.pk).first()
    if former is not None and former.is_active and not organisation.is_active:
        problems = deactivation_problems(organisation, by=by, now=now)
        if problems:
            raise ValidationError({"is_active": problems})
    try:
        with transaction.atomic():
            organisation.save()
    except IntegrityError as error:
        if violated(error) != "accounts_organisation_name_once":
            raise
        raise ValidationError(
            _("Another organisation has this name, in English or in Nepali. Choose a name of its own.")
        ) from error
    if former is not None and _is_renamed(former, organisation) and has_cases(organisation.pk):
        notify_access_managers(
            organisations=[organisation.pk],
            key=f"renamed:{organisation.pk}:{now.timestamp()}",
            text=gettext_noop("An administrator changed the name of your organisation."),
            url=reverse("accounts:user-list"),
            now=now,
        )
    for code in RoleCode.values:
        _ensure_role(organisation, code)
    audit.record(
        by=by, verb="organisation saved", obj=organisation, now=now, detail={"code": organisation.code}
    )
    return organisation


def _is_renamed(former: Organisation, organisation: Organisation) -> bool:
    return (former.name_en, former.name_ne) != (organisation.name_en, organisation.name_ne)


def deactivation_problems(organisation: Organisation, *, by, now: datetime) -> list[str]:
    """Return why an organisation can't be deactivated now: a sentence from each app with something still open."""
    found: list[str] = []
    for hook in hooks.organisation_deactivating:
        try:
            hook(organisation=organisation, by=by, now=now)
        except ValidationError as error:
            found += error.messages
    return found


def _ensure_role(organisation: Organisation, code: str) -> Role:
    role = Role.objects.filter(organisation=organisation, code=code).first()
    if role is None:
        group = Group.objects.create(name=f"{organisation.code}: {code} ({str(organisation.pk)[:8]})")
        role = Role.objects.create(organisation=organisation, code=code, group=group)
        set_permissions(role, STARTING_PERMISSIONS.get(code, ()))
    return role
