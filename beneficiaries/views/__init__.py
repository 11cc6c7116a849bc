"""Pages of interviews, cases and what belongs to a case."""

from beneficiaries.views.birth import birth_read
from beneficiaries.views.case_list import case_list
from beneficiaries.views.caseload import case_reassign, caseload_detail, caseload_list, caseload_nobody
from beneficiaries.views.consent import case_close, consent_share, consent_withdraw
from beneficiaries.views.correction import (
    beneficiary_correct,
    consent_correct,
    identity_document,
    situation_correct,
)
from beneficiaries.views.document import document_add, document_file, document_remove
from beneficiaries.views.draft import draft_decide, draft_list, draft_reassign
from beneficiaries.views.erasure import beneficiary_erase
from beneficiaries.views.export import export_ask, export_detail, export_file, export_list, export_password
from beneficiaries.views.intake import (
    intake_beneficiary,
    intake_consent,
    intake_consent_change,
    intake_situation,
)
from beneficiaries.views.note import emergency_open, note_add
from beneficiaries.views.readers import case_readers
from beneficiaries.views.referral import referral_detail, referral_list, referral_send
from beneficiaries.views.risk import risk_assess
from beneficiaries.views.transfer import transfer_detail, transfer_offer

__all__ = [
    "beneficiary_correct",
    "beneficiary_erase",
    "birth_read",
    "case_close",
    "case_list",
    "case_readers",
    "case_reassign",
    "caseload_detail",
    "caseload_list",
    "caseload_nobody",
    "consent_correct",
    "consent_share",
    "consent_withdraw",
    "document_add",
    "document_file",
    "document_remove",
    "draft_decide",
    "draft_list",
    "draft_reassign",
    "emergency_open",
    "export_ask",
    "export_detail",
    "export_file",
    "export_list",
    "export_password",
    "identity_document",
    "intake_beneficiary",
    "intake_consent",
    "intake_consent_change",
    "intake_situation",
    "note_add",
    "referral_detail",
    "referral_list",
    "referral_send",
    "risk_assess",
    "situation_correct",
    "transfer_detail",
    "transfer_offer",
]
