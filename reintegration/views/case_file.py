"""The case file: the beneficiary, the present situation, next actions and the timeline."""

from datetime import date, datetime, time

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from beneficiaries import rules as case_rules
from beneficiaries.caseload import may_reassign
from beneficiaries.choices import (
    CaseStatus,
    ConsentPurpose,
    DocumentState,
    IdentityKind,
    IdentityState,
    NoteKind,
    Risk,
    TransferState,
)
from beneficiaries.contact import contact_of
from beneficiaries.history import corrections_of, words_of
from beneficiaries.models import Beneficiary, Case
from beneficiaries.queries.identity import cases_with_same_number, document_lines
from beneficiaries.views.case import case_or_404
from core.access import Confidentiality
from core.clock import now
from core.numerals import shown_amount
from projects.choices import TargetGroup
from projects.facts import COUNTRIES
from reintegration import queries
from reintegration.choices import EXTRA, SAFETY, FollowUpOutcome, GrantState
from reintegration.rules import ENDED_UNPAID

STATUS_COLOURS: dict[str, str] = {
    CaseStatus.ACTIVE: "green",
    CaseStatus.FOLLOW_UP: "blue",
    CaseStatus.CLOSED: "grey",
}
RISK_COLOURS = {Risk.HIGH: "red", Risk.MEDIUM: "orange", Risk.LOW: "green", Risk.UNKNOWN: "grey"}
GRANT_COLOURS = {
    GrantState.REQUESTED: "yellow",
    GrantState.ENDORSED: "blue",
    GrantState.APPROVED: "teal",
    GrantState.PAID: "green",
    GrantState.REFUSED: "red",
    GrantState.WITHDRAWN: "grey",
}
IDENTITY_COLOURS: dict[str, str] = {IdentityState.HAS: "green"}
NOTE_TAGS = {
    Confidentiality.RESTRICTED: gettext_lazy("Restricted"),
    Confidentiality.COUNSELLING: gettext_lazy("Counselling"),
}
# Fields of a beneficiary that stand above the record, or together as their home.
LAID_OUT = {
    *("first_name", "middle_name", "second_name", "name_ne", "sex", "phone", "safe_contact"),
    *("home_district", "home_local_level", "home_place"),
}


@login_required
@require_safe
def case_detail(request, reference: str):
    """Show a case file."""
    case = case_or_404(request, reference)
    parts = queries.case_parts(case, request.user)
    file = parts["file"][0]
    rows = {name: parts[name] for name in ("consents", "plans", "follow_ups")}
    rows["documents"] = parts["identity_documents"]
    parts["corrections"] = corrections_of(case, file, request.user, **rows)
    consents = [consent for consent in parts["consents"] if consent.withdrawn_on is None]
    today, due = now().date(), _due(case, parts["follow_ups"])
    correct_urls = _correct_urls(case)
    safety_step = next((row for row in due if row.kind == SAFETY and row.due_on <= today), None)
    context = {
        "case": case,
        "identity": _identity(case, file, parts["risks"], today),
        "safety_step": safety_step,
        "sections": [
            _section(_("The person"), _about(case), correct_urls.get("beneficiary")),
            _section(
                _("Identity documents"),
                _identity_documents(case, parts["identity_documents"], request.user, today),
            ),
            _section(_("The situation"), _situation(file, parts["notes"]), correct_urls.get("situation")),
        ],
        "emergencies": parts["emergencies"],
        "file": file,
        "correct_urls": correct_urls,
        "consents": consents,
        "parts": parts,
        "actions": _actions(case, consents, parts, request.user, may_be_primary=safety_step is None),
        "due": due[:3],
        "documents": _documents(case, parts["documents"]),
        "timeline": _timeline(case, parts),
        "today": today,
        "may_write": case.may_write,
        "may_lead": case.may_lead,
    }
    return render(request, "reintegration/case_detail.html", context)


def _due(case: Case, follow_ups) -> list:
    """Return follow-ups that are due, safety steps first; a closed case has none."""
    if case.status == CaseStatus.CLOSED:
        return []
    return sorted((row for row in follow_ups if row.done_on is None), key=lambda row: row.kind != SAFETY)


def _identity(case: Case, file, risks, today: date) -> dict:
    beneficiary = case.beneficiary
    age = case_rules.age_words(beneficiary.birth_on, beneficiary.birth_precision, today)
    risk = next((row for row in risks if row.level == file.risk), None)
    facts = [
        {"label": _("Sex"), "value": case.beneficiary.get_sex_display()},
        {"label": _("Age"), "value": age},
        {"label": _("Led by"), "value": case.lead_organisation.name},
        {"label": _("Caseworker"), "value": file.caseworker.name},
        {
            "label": _("Risk level"),
            "tag": {"label": file.get_risk_display(), "colour": RISK_COLOURS[file.risk]},
            "value": f"{_assessed_by(risk)}, {date_format(risk.assessed_on)}" if risk else "",
        },
    ]
    return {
        "reference": case.reference,
        "name": case.beneficiary.name,
        "other_name": case.beneficiary.name_ne,
        "status": {"label": case.get_status_display(), "colour": STATUS_COLOURS[case.status]},
        "facts": facts,
        "contact": contact_of(safe_contact=case.beneficiary.safe_contact, phone=case.beneficiary.phone),
    }


def _assessed_by(risk) -> str:
    return f"{_name(risk.by)}, {risk.get_source_display()}"


def _correct_urls(case: Case) -> dict[str, str]:
    """Where this user corrects the record and the situation; nothing once the person's data are erased."""
    if case.beneficiary.erased_on is not None:
        return {}
    names = {"beneficiary": case.may_lead, "situation": case.may_write}
    return {
        name: reverse(f"beneficiaries:{name}-correct", args=[case.reference])
        for name, is_open in names.items()
        if is_open
    }


def _section(title: str, rows: list[dict], url: str | None = None, action: str = "") -> dict:
    """Return a card of the case file: its rows, and the link in its corner, to correct them or as `action` says."""
    return {"title": title, "rows": rows, "url": url, "action": action or _("Correct")}


def _about(case: Case) -> list[dict]:
    beneficiary = case.beneficiary
    home = ", ".join(
        str(place)
        for place in (beneficiary.home_place, beneficiary.home_local_level, beneficiary.home_district)
        if place
    )
    rows = []
    for name, field in Beneficiary.record_fields.items():
        if name not in LAID_OUT:
            rows.append(
                {"key": field.label, "value": words_of(Beneficiary, name, field.values_of(beneficiary))}
            )
        if name == "birth":
            rows.append({"key": _("Home"), "value": home})
    return rows


def _identity_documents(case: Case, documents, user, today: date) -> list[dict]:
    """Return a row for each kind of identity document; a missing one is marked, and so is a passport that expired."""
    known = {row.kind: row for row in documents}
    same = cases_with_same_number(case, documents, user)
    is_open = case.may_lead and case.beneficiary.erased_on is None
    found = []
    for kind, label in IdentityKind.choices:
        row = known.get(kind)
        url = reverse("beneficiaries:identity-document", args=[case.reference, kind]) if is_open else ""
        shown = {"key": label, "value": "", "url": url, "action": _("Correct") if row else _("Add")}
        if row is not None:
            has_expired = row.expires_on is not None and row.expires_on < today
            colour = "orange" if row.is_missing or has_expired else IDENTITY_COLOURS.get(row.state, "grey")
            shown |= {
                "tag": {"label": row.get_state_display(), "colour": colour},
                "value": "\n".join(document_lines(row, on=today)),
            }
        if row is not None and row.pk in same:
            shown["hint"] = _("The same number is recorded for another person:")
            shown["links"] = [
                {"label": other.reference, "url": reverse("case-detail", args=[other.reference])}
                for other in same[row.pk]
            ]
        found.append(shown)
    return found


def _situation(file, notes) -> list[dict]:
    narratives = [file.narrative, *(note.text for note in notes if note.kind == NoteKind.NARRATIVE)]
    groups = [TargetGroup(code).label for code in file.groups if code in TargetGroup.values]
    return [
        {"key": _("Main situation"), "value": TargetGroup(file.primary_group).label},
        {"key": _("All that apply"), "value": ", ".join(str(group) for group in groups)},
        {"key": _("Country abroad"), "value": COUNTRIES.get(file.country_of_stay, "")},
        {"key": _("Lives now in"), "value": file.current_district.name if file.current_district else ""},
        {"key": _("Help wanted"), "value": file.needs},
        *({"key": _("What happened"), "value": text} for text in narratives if text),
    ]


def _actions(case: Case, consents, parts: dict, user, *, may_be_primary: bool) -> list[dict]:
    """Return the next actions, most urgent first: a link each, with when it is shown. An offered case can't be closed.

    Beside a safety step no button is primary, and neither are actions that can wait.
    """
    here = case.reference
    if case.status == CaseStatus.CLOSED:
        if not case.may_erase or case.beneficiary.erased_on is not None:
            return []
        return [_link(_("Erase this person for ever"), "beneficiaries:beneficiary-erase", here)]
    if not case.may_write:
        return []
    leads, enrolments = case.may_lead, parts["enrolments"]
    has_asked_sharing = any(consent.purpose == ConsentPurpose.SHARING for consent in consents)
    offers = [
        _link(_("See the transfer offer"), "beneficiaries:transfer-detail", row.pk)
        for row in parts["transfers"]
        if row.state == TransferState.OFFERED
    ]
    urgent = [] if leads else [*offers]
    if leads and not has_asked_sharing:
        urgent.append(_link(_("Ask for consent to share with IOM"), "beneficiaries:consent-share", here))
    if not enrolments:
        urgent.append(_link(_("Assess for a programme"), "reintegration:admission-choose", here))
    urgent += _plans_and_grants(case, parts)
    if urgent and may_be_primary:
        urgent[0]["primary"] = True
    can_wait = []
    if enrolments:
        can_wait.append(_link(_("Assess for another programme"), "reintegration:admission-choose", here))
    can_wait.append(_link(_("Write a note"), "beneficiaries:note-add", here))
    can_wait.append(_link(_("Add a document or photo"), "beneficiaries:document-add", here))
    can_wait.append(_link(_("Change the risk level"), "beneficiaries:risk-assess", here))
    if leads and may_reassign(case, parts["file"][0].caseworker_id, user):
        can_wait.append(_link(_("Change the caseworker"), "beneficiaries:case-reassign", here))
    if leads:
        can_wait.append(_link(_("Refer to another organisation"), "beneficiaries:referral-send", here))
        can_wait += offers or [
            _link(_("Transfer to another organisation"), "beneficiaries:transfer-offer", here)
        ]
    if not offers:
        can_wait.append(_link(_("Close the case"), "beneficiaries:case-close", here))
    return urgent + can_wait


def _link(label: str, name: str, *keys) -> dict:
    return {"label": label, "url": reverse(name, args=keys)}


def _plans_and_grants(case: Case, parts: dict) -> list[dict]:
    """Return links to the plans that programmes of the case need, and to the grants that its plans may have."""
    planned = {plan.enrolment_id for plan in parts["plans"]}
    granted = {grant.plan_id for grant in parts["grants"] if grant.state not in ENDED_UNPAID}
    plans = [
        _link(
            _("Agree a reintegration plan: %s") % enrolment.project.name,
            "reintegration:plan-agree",
            case.reference,
            enrolment.project.code,
        )
        for enrolment in parts["enrolments"]
        if enrolment.pk not in planned
    ]
    return plans + [
        _link(
            _("Ask for a grant: %s") % plan.get_livelihood_display(),
            "reintegration:grant-request",
            case.reference,
            plan.pk,
        )
        for plan in parts["plans"]
        if plan.pk not in granted and plan.enrolment.project.grant_ceiling_npr is not None
    ]


def _documents(case: Case, documents) -> list[dict]:
    """Return the documents, newest first; one that waits or was deleted has no link."""
    return [
        {
            "label": document.title or document.get_kind_display(),
            "kind": document.get_kind_display() if document.title else "",
            "url": reverse("beneficiaries:document-file", args=[case.reference, document.pk])
            if document.is_open
            else "",
            "remove_url": reverse("beneficiaries:document-remove", args=[case.reference, document.pk])
            if document.file and case.may_lead
            else "",
            "size": document.size,
            "at": document.at,
            "by": _name(document.by),
            "tag": NOTE_TAGS.get(document.confidentiality, ""),
            "state": "" if document.state == DocumentState.CLEAN else document.get_state_display(),
            "why": document.removed_why,
        }
        for document in documents
    ]


def _moment(value: date | datetime) -> datetime:
    if isinstance(value, datetime):
        return value
    return timezone.make_aware(datetime.combine(value, time.max))


def _name(user) -> str:
    return user.name if user else ""


def _timeline(case: Case, parts: dict) -> list[dict]:
    """Return what happened, newest first."""
    items = [{"at": case.created_at, "title": _("Case opened"), "by": _opened_by(case, parts)}]
    for transfer in parts["transfers"]:
        items += _transfer_items(transfer)
    for row in parts["corrections"]:
        values = {"before": row.before or "–", "after": row.after or "–"}
        text = "\n".join(part for part in (_("%(before)s → %(after)s") % values, row.reason) if part)
        items.append({"at": row.at, "title": _("Corrected: %s") % row.label, "text": text, "by": row.by})
    for row in parts["assignments"]:
        words = {"former": _name(row.former), "caseworker": _name(row.caseworker)}
        title = _("Caseworker: %(caseworker)s, before: %(former)s") % words
        items.append({"at": row.at, "title": title, "text": row.note, "by": _name(row.by)})
    for consent in parts["consents"]:
        about = (
            f"{consent.get_purpose_display()}: {consent.organisation}"
            if consent.organisation
            else str(consent)
        )
        by = _name(consent.recorded_by)
        answer = _("Agreed") if consent.is_given else _("Did not agree")
        items.append({"at": consent.recorded_at, "title": answer, "text": about, "by": by})
        if consent.withdrawn_on:
            ended = {"at": consent.withdrawn_on, "title": _("No longer valid"), "text": about}
            if _correct_urls(case).get("beneficiary"):
                ended["url"] = reverse("beneficiaries:consent-correct", args=[case.reference, consent.pk])
                ended["url_label"] = _("Correct")
            items.append(ended)
    for note in parts["notes"]:
        if note.kind == NoteKind.NOTE:
            item = {"at": note.at, "title": _("Note"), "text": note.text, "by": _name(note.by)}
            if note.confidentiality != Confidentiality.NORMAL:
                item["tag"] = {"label": NOTE_TAGS[note.confidentiality], "colour": "purple"}
            items.append(item)
    for row in parts["assessments"]:
        item = {
            "at": row.at,
            "title": f"{row.get_decision_display()}: {row.project.name}",
            "text": row.reason,
            "by": _name(row.by),
        }
        if row.is_override:
            item["tag"] = {"label": _("Against the criteria"), "colour": "orange"}
        items.append(item)
    for risk in parts["risks"]:
        title = _("Risk level: %s") % risk.get_level_display()
        items.append({"at": risk.at, "title": title, "text": risk.reason, "by": _assessed_by(risk)})
    for plan in parts["plans"]:
        items.append(
            {
                "at": plan.at,
                "title": _("Plan agreed"),
                "text": plan.get_livelihood_display(),
                "by": _name(plan.by),
            }
        )
    for grant in parts["grants"]:
        items += _grant_items(grant)
    for row in parts["instalments"]:
        items.append(
            {
                "at": row.paid_at,
                "title": _("Instalment %s paid") % row.number,
                "text": f"NPR {shown_amount(row.amount_npr)}",
                "by": _name(row.paid_by),
            }
        )
    for row in parts["follow_ups"]:
        if row.done_on:
            item = {
                "at": row.recorded_at,
                "title": f"{row.get_kind_display()}: {row.get_outcome_display()}",
                "tag": _visit_tag(row),
                "text": " — ".join(part for part in (row.get_wellbeing_display(), row.note) if part),
                "by": _name(row.recorded_by),
            }
            if "situation" in _correct_urls(case):
                item["url"] = reverse("reintegration:follow-up-correct", args=[case.reference, row.pk])
                item["url_label"] = _("Correct")
            items.append(item)
    return sorted(items, key=lambda item: _moment(item["at"]), reverse=True)


def _visit_tag(row) -> dict | None:
    if row.outcome != FollowUpOutcome.SEEN:
        return {"label": _("Attempt %s") % row.attempt, "colour": "orange"}
    return {"label": _("Extra"), "colour": "grey"} if row.origin.startswith(EXTRA) else None


def _opened_by(case: Case, parts: dict) -> str:
    """Return the organisation that led the case before its first transfer."""
    transferred = [row for row in parts["transfers"] if row.state == TransferState.ACCEPTED]
    first = min(transferred, key=lambda row: row.answered_at, default=None)
    return (first.sender if first else case.lead_organisation).name


def _transfer_items(transfer) -> list[dict]:
    offered = _("Transfer offered to %s") % transfer.receiver.name
    items = [
        {
            "at": transfer.offered_at,
            "title": offered,
            "text": transfer.reason,
            "by": _name(transfer.offered_by),
        }
    ]
    if transfer.answered_at:
        by = f"{_name(transfer.answered_by)}, {transfer.receiver.name}"
        if transfer.state == TransferState.TAKEN_BACK:
            by = _name(transfer.answered_by)
        title = transfer.get_state_display()
        items.append({"at": transfer.answered_at, "title": title, "text": transfer.answer, "by": by})
    return items


def _grant_items(grant) -> list[dict]:
    amount = f"NPR {shown_amount(grant.amount_npr)}"
    moments = [
        (grant.requested_at, _("Grant requested"), grant.requested_by, amount),
        (grant.endorsed_at, _("Grant endorsed"), grant.endorsed_by, amount),
        (grant.approved_at, _("Grant approved"), grant.approved_by, amount),
        (grant.refused_at, _("Grant refused"), grant.refused_by, grant.refusal),
        (grant.withdrawn_at, _("Request for a grant withdrawn"), grant.requested_by, ""),
    ]
    return [
        {"at": at, "title": title, "by": _name(by), "text": text}
        for at, title, by, text in moments
        if at is not None
    ]
