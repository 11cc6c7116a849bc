"""Reads that span models: lists, the case file, facts for the criteria."""

from beneficiaries.queries.audit_log import case_in_log, references_in_log
from beneficiaries.queries.case import (
    case_by_reference,
    emergencies_of,
    file_of,
    may_erase,
    notes_of,
    worked_on_case,
)
from beneficiaries.queries.case_list import case_list, case_page, count_up_to
from beneficiaries.queries.consent import consents_of, shares_with
from beneficiaries.queries.document import content_of, document_of, documents_added
from beneficiaries.queries.draft import (
    OpenDraft,
    draft_supervisors,
    drafts_to_reassign,
    open_drafts_of,
    own_drafts,
    why_kept,
)
from beneficiaries.queries.export import (
    export_filters,
    export_rows_asked,
    exports_asked,
    exports_for,
    may_decide_export,
)
from beneficiaries.queries.fact import facts_as_json, facts_of
from beneficiaries.queries.identity import cases_with_same_number, document_lines, identity_documents_of
from beneficiaries.queries.organisation import iom, lead_of, possible_leads, possible_receivers
from beneficiaries.queries.reader import Reading, readers_of
from beneficiaries.queries.referral import (
    items_of,
    referral_answers_open,
    shareable_items,
    shared_items,
    shared_with,
)
from beneficiaries.queries.transfer import transfer_answers_open, transfers_for

__all__ = [
    "OpenDraft",
    "Reading",
    "case_by_reference",
    "case_in_log",
    "case_list",
    "case_page",
    "cases_with_same_number",
    "consents_of",
    "content_of",
    "count_up_to",
    "document_lines",
    "document_of",
    "documents_added",
    "draft_supervisors",
    "drafts_to_reassign",
    "emergencies_of",
    "export_filters",
    "export_rows_asked",
    "exports_asked",
    "exports_for",
    "facts_as_json",
    "facts_of",
    "file_of",
    "identity_documents_of",
    "iom",
    "items_of",
    "lead_of",
    "may_decide_export",
    "may_erase",
    "notes_of",
    "open_drafts_of",
    "own_drafts",
    "possible_leads",
    "possible_receivers",
    "readers_of",
    "references_in_log",
    "referral_answers_open",
    "shareable_items",
    "shared_items",
    "shared_with",
    "shares_with",
    "transfer_answers_open",
    "transfers_for",
    "why_kept",
    "worked_on_case",
]
