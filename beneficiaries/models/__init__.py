"""Beneficiaries, their consents, their cases, and who has access to which of them."""

from beneficiaries.models.access import CaseAccess
from beneficiaries.models.assignment import Assignment
from beneficiaries.models.base import CaseLinked, CaseLinkedQuerySet
from beneficiaries.models.beneficiary import Beneficiary
from beneficiaries.models.case import Case, CaseFile
from beneficiaries.models.change import BeneficiaryChange, CaseChange, ConsentChange, IdentityDocumentChange
from beneficiaries.models.consent import Consent
from beneficiaries.models.document import Document
from beneficiaries.models.draft import IntakeDraft
from beneficiaries.models.emergency import EmergencyOpening
from beneficiaries.models.enrolment import Assessment, Enrolment, Screening
from beneficiaries.models.export import Export, ExportFile
from beneficiaries.models.identity import IdentityDocument
from beneficiaries.models.note import CaseNote
from beneficiaries.models.referral import Referral, SharedItem
from beneficiaries.models.risk import RiskAssessment
from beneficiaries.models.transfer import CaseTransfer

__all__ = [
    "Assessment",
    "Assignment",
    "Beneficiary",
    "BeneficiaryChange",
    "Case",
    "CaseAccess",
    "CaseChange",
    "CaseFile",
    "CaseLinked",
    "CaseLinkedQuerySet",
    "CaseNote",
    "CaseTransfer",
    "Consent",
    "ConsentChange",
    "Document",
    "EmergencyOpening",
    "Enrolment",
    "Export",
    "ExportFile",
    "IdentityDocument",
    "IdentityDocumentChange",
    "IntakeDraft",
    "Referral",
    "RiskAssessment",
    "Screening",
    "SharedItem",
]
