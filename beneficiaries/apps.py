"""Configuration of the beneficiaries app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BeneficiariesConfig(AppConfig):
    """Registers what this app adds to lower ones: exports, keys and indexes of the database, open work of users."""

    name = "beneficiaries"
    verbose_name = "People and cases"

    def ready(self) -> None:
        """Register with the hooks of lower apps."""
        from accounts.choices import Permission  # models must be loaded first
        from accounts.hooks import OpenWork, organisation_deactivating, user_leaving
        from beneficiaries import caseload
        from beneficiaries.erased_columns import emptying
        from beneficiaries.exports.cases import CASES
        from beneficiaries.exports.kinds import kinds
        from beneficiaries.numbers import index_numbers
        from beneficiaries.operations.assignment import (
            hand_over_cases,
            hand_over_drafts,
            redirect_referral_answers,
            refuse_deactivating,
        )
        from beneficiaries.same_case import same_case_keys
        from core import catalogue, rewrapping

        catalogue.added += [same_case_keys, emptying]
        rewrapping.hooks.append(index_numbers)
        kinds["cases"] = CASES
        user_leaving["cases"] = OpenWork(
            label=_("Open cases, with their follow-ups and reminders"),
            permission=Permission.WRITE_CASES,
            count=lambda user, organisation_id: caseload.open_cases_of(user, organisation_id).cases,
            hand_over=hand_over_cases,
        )
        user_leaving["drafts"] = OpenWork(
            label=_("Unfinished first interviews"),
            permission=Permission.WRITE_CASES,
            count=caseload.open_drafts_of,
            hand_over=hand_over_drafts,
        )
        user_leaving["referrals"] = OpenWork(
            label=_("Referrals and transfer offers that wait for an answer"),
            permission=Permission.REFER_CASES,
            count=lambda user, organisation_id: caseload.open_cases_of(user, organisation_id).referrals,
            hand_over=redirect_referral_answers,
        )
        organisation_deactivating.append(refuse_deactivating)
