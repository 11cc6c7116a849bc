"""Every write to beneficiaries, consents, cases and enrolments."""

from beneficiaries.operations.admission import decide_admission, record_screening
from beneficiaries.operations.assignment import (
    hand_over_cases,
    hand_over_drafts,
    notify_of_cases_without_caseworker,
    reassign_cases,
    redirect_referral_answers,
    refuse_deactivating,
)
from beneficiaries.operations.case import CaseNotClosable, close_case
from beneficiaries.operations.consent import (
    ConsentAnswer,
    correct_consent,
    record_consent,
    withdraw_consent,
)
from beneficiaries.operations.correction import ChangedMeanwhile, correct_beneficiary, correct_situation
from beneficiaries.operations.document import (
    HARMFUL,
    add_document,
    record_harmful_file,
    remove_document,
    scan_waiting,
    sweep_files,
)
from beneficiaries.operations.draft import (
    DraftNotOpen,
    decide_draft,
    delete_expired_drafts,
    discard_draft,
    keep_draft_page,
    open_case_from_draft,
    reassign_draft,
    save_draft_beneficiary,
    save_draft_consent,
    start_draft,
    warn_of_drafts,
)
from beneficiaries.operations.emergency import break_glass
from beneficiaries.operations.erasure import erase_beneficiary
from beneficiaries.operations.export import ask_export, decide_export, expire_next_export, write_next_export
from beneficiaries.operations.identity import IdentityDetails, record_identity_document
from beneficiaries.operations.importing import ImportReport, import_htcds
from beneficiaries.operations.intake import (
    BeneficiaryDetails,
    ConsentGiven,
    Situation,
    open_case,
)
from beneficiaries.operations.note import add_note
from beneficiaries.operations.reading import notify_of_unusual_reading
from beneficiaries.operations.referral import (
    ReferralActionRefused,
    answer_referral,
    ask_and_refer,
    send_referral,
)
from beneficiaries.operations.risk import assess_risk, notify_of_risk
from beneficiaries.operations.transfer import (
    TransferActionRefused,
    answer_transfer,
    ask_and_offer,
    decline_case,
    take_back_case,
    take_over_case,
)

__all__ = [
    "HARMFUL",
    "BeneficiaryDetails",
    "CaseNotClosable",
    "ChangedMeanwhile",
    "ConsentAnswer",
    "ConsentGiven",
    "DraftNotOpen",
    "IdentityDetails",
    "ImportReport",
    "ReferralActionRefused",
    "Situation",
    "TransferActionRefused",
    "add_document",
    "add_note",
    "answer_referral",
    "answer_transfer",
    "ask_and_offer",
    "ask_and_refer",
    "ask_export",
    "assess_risk",
    "break_glass",
    "close_case",
    "correct_beneficiary",
    "correct_consent",
    "correct_situation",
    "decide_admission",
    "decide_draft",
    "decide_export",
    "decline_case",
    "delete_expired_drafts",
    "discard_draft",
    "erase_beneficiary",
    "expire_next_export",
    "hand_over_cases",
    "hand_over_drafts",
    "import_htcds",
    "keep_draft_page",
    "notify_of_cases_without_caseworker",
    "notify_of_risk",
    "notify_of_unusual_reading",
    "open_case",
    "open_case_from_draft",
    "reassign_cases",
    "reassign_draft",
    "record_consent",
    "record_harmful_file",
    "record_identity_document",
    "record_screening",
    "redirect_referral_answers",
    "refuse_deactivating",
    "remove_document",
    "save_draft_beneficiary",
    "save_draft_consent",
    "scan_waiting",
    "send_referral",
    "start_draft",
    "sweep_files",
    "take_back_case",
    "take_over_case",
    "warn_of_drafts",
    "withdraw_consent",
    "write_next_export",
]
