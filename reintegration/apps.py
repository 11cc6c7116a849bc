"""Configuration of the reintegration app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ReintegrationConfig(AppConfig):
    """Registers with the hooks of cases, exports, users and organisations."""

    name = "reintegration"
    verbose_name = "Reintegration"

    def ready(self) -> None:
        """Register with the hooks of lower apps."""
        from accounts.choices import Permission  # models must be loaded first
        from accounts.hooks import OpenWork, organisation_deactivating, user_leaving
        from beneficiaries import hooks
        from beneficiaries.exports.kinds import kinds
        from reintegration.exports import GRANTS
        from reintegration.operations.follow_up import refuse_closing
        from reintegration.operations.grant import notify_of_new_lead
        from reintegration.operations.leaving import redirect_grant_decisions, refuse_deactivating
        from reintegration.operations.safety import schedule_safety_step
        from reintegration.queries import open_grants_of

        hooks.case_closing.append(refuse_closing)
        hooks.case_transferring.append(notify_of_new_lead)
        hooks.high_risk_found.append(schedule_safety_step)
        kinds["grants"] = GRANTS
        user_leaving["grants"] = OpenWork(
            label=_("Open grants that they requested"),
            permission=Permission.WRITE_CASES,
            count=open_grants_of,
            hand_over=redirect_grant_decisions,
        )
        organisation_deactivating.append(refuse_deactivating)
