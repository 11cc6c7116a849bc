"""Pages of the interview, the list of cases, and consent."""

from beneficiaries.views.case_list import case_list
from beneficiaries.views.consent import case_close, consent_share, consent_withdraw
from beneficiaries.views.intake import intake_consent, intake_person, intake_situation

__all__ = [
    "case_close",
    "case_list",
    "consent_share",
    "consent_withdraw",
    "intake_consent",
    "intake_person",
    "intake_situation",
]
