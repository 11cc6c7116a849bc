"""Grants of users who leave, and of organisations that are deactivated."""

from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import Organisation, User
from accounts.operations.notice import leave_notice
from reintegration.queries import grants_waiting_in


def redirect_grant_decisions(*, user: User, organisation_id: UUID, to: User, by, now: datetime) -> None:
    """Notify a user that decisions on grants that somebody who leaves asked for now come to them.

    The grants stay unchanged; `accounts.queries.recipients_about_work` finds the new recipient (hook
    `accounts.hooks.user_leaving`).
    """
    leave_notice(
        recipient=to,
        key=f"grants-handed-over:{user.pk}:{now.timestamp():.0f}",
        text=gettext_noop("You now get the notices about grants that %s requested."),
        words=(user.name,),
        url="/grants/",
        now=now,
    )


def refuse_deactivating(*, organisation: Organisation, by, now: datetime) -> None:
    """Raise ValidationError where the organisation manages programmes with running grants.

    Called through the hook `accounts.hooks.organisation_deactivating`.
    """
    waiting = grants_waiting_in(organisation)
    if waiting:
        raise ValidationError(
            _(
                "It can't be deactivated yet: in its programmes %s grants are under way. Each must be paid or "
                "refused, or the programme managed by another organisation."
            )
            % waiting
        )
