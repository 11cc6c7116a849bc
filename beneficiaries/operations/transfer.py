"""Transfer a case: the lead offers it, the receiver accepts or declines, the lead may take the offer back."""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.authority import authority_of
from accounts.choices import Permission
from accounts.models import Organisation, User
from accounts.operations.notice import leave_notice, leave_notices
from accounts.queries import holders, recipients_about_work
from beneficiaries import hooks, rules
from beneficiaries.choices import CaseStatus, ConsentPurpose, TransferState
from beneficiaries.models import Beneficiary, Case, CaseTransfer, IdentityDocument
from beneficiaries.operations.consent import check_giver, record_consent
from beneficiaries.operations.identity import IdentityDetails
from beneficiaries.queries.consent import shares_with
from beneficiaries.queries.identity import identity_documents_of
from core import audit
from core.encrypted_fields import encrypted_columns, encrypted_fields


class TransferActionRefused(ValidationError):
    """The offer is answered already, or the case can't be offered now."""


@transaction.atomic
def ask_and_offer(
    *,
    case: Case,
    receiver: Organisation,
    reason: str,
    agrees: bool,
    given_by: str,
    why_nobody_asked: str,
    how: str,
    by,
    now: datetime,
) -> CaseTransfer | None:
    """Record what the beneficiary answered and offer the case; return None where they don't agree.

    A consent to share with the receiver that is in force isn't asked for again, and a no to the transfer doesn't end
    it.
    """
    case, consent = _offerable(case, receiver, by, now), None
    check_giver(case=case, given_by=given_by, reason=why_nobody_asked, on=now.date())
    if not shares_with(case, receiver, by, on=now.date()):
        consent = record_consent(
            case=case,
            purpose=ConsentPurpose.SHARING,
            organisation=receiver,
            is_given=agrees,
            given_by=given_by,
            how=how,
            reason=why_nobody_asked,
            by=by,
            now=now,
        )
    detail = {"receiver": receiver.code}
    if not agrees:
        audit.record(
            by=by, verb="transfer refused by the beneficiary", case_id=case.pk, now=now, detail=detail
        )
        return None
    transfer = CaseTransfer(
        case=case,
        sender=case.lead_organisation,
        receiver=receiver,
        reason=reason.strip(),
        consent=consent,
        offered_by=by,
        offered_at=now,
    )
    transfer.clean_fields(exclude=["case"])
    transfer.save(force_insert=True)
    audit.record(by=by, verb="case offered", obj=transfer, case_id=case.pk, now=now, detail=detail)
    _notify(
        holders(Permission.WRITE_CASES, receiver.pk),
        transfer,
        gettext_noop("%s offers to transfer a case to your organisation."),
        transfer.sender.name_en,
        now=now,
    )
    return transfer


def _offerable(case: Case, receiver: Organisation, by, now: datetime) -> Case:
    """Return the case, locked. Raises PermissionDenied or ValidationError where it can't be offered to the receiver."""
    found = Case.objects.led_by(by).select_for_update().filter(pk=case.pk).first()
    if found is None or not authority_of(by).may(Permission.REFER_CASES, found.lead_organisation_id):
        raise PermissionDenied
    if found.status == CaseStatus.CLOSED:
        raise TransferActionRefused(_("The case is closed."))
    if receiver.pk == found.lead_organisation_id:
        raise ValidationError({"receiver": _("This organisation already leads the case.")})
    if not holders(Permission.WRITE_CASES, receiver.pk).exists():
        raise ValidationError({"receiver": _("No user of that organisation works on cases.")})
    if CaseTransfer.objects.visible_to(by).running().filter(case=found).exists():
        raise TransferActionRefused(
            _("A transfer of this case is already offered. Withdraw that offer first.")
        )
    lately = CaseTransfer.objects.visible_to(by).filter(case=found, offered_at__gt=now - timedelta(days=1))
    if lately.count() >= rules.SENT_A_DAY:
        raise TransferActionRefused(
            _("This case was sent to others too often in the last 24 hours. Try again tomorrow.")
        )
    return found


@transaction.atomic
def answer_transfer(
    *, transfer: CaseTransfer, state: str, answer: str = "", caseworker: User | None = None, by, now: datetime
) -> CaseTransfer:
    """End an offer: accepted with a caseworker, declined, or taken back."""
    if state == TransferState.ACCEPTED:
        if caseworker is None:
            raise ValidationError({"caseworker": _("Choose who will be the caseworker.")})
        take_over_case(transfer=transfer, caseworker=caseworker, by=by, now=now)
    elif state == TransferState.DECLINED:
        decline_case(transfer=transfer, answer=answer, by=by, now=now)
    elif state == TransferState.TAKEN_BACK:
        take_back_case(transfer=transfer, answer=answer, by=by, now=now)
    else:
        raise ValidationError({"state": _("This is not a possible answer to an offer.")})
    return transfer


@transaction.atomic
def take_over_case(*, transfer: CaseTransfer, caseworker: User, by, now: datetime) -> Case:
    """Accept the offer: lead the case from now on, with this caseworker. `access.transfer_case` makes the change."""
    found = _running(transfer, by)
    if not authority_of(by).may(Permission.WRITE_CASES, found.receiver_id):
        raise PermissionDenied
    if not holders(Permission.WRITE_CASES, found.receiver_id).filter(pk=caseworker.pk).exists():
        raise ValidationError({"caseworker": _("Choose a user of your organisation who works on cases.")})
    case = found.case
    if not shares_with(case, found.receiver, by, on=now.date()):
        raise TransferActionRefused(_("The person no longer agrees."))
    for hook in hooks.case_transferring:
        hook(case=case, receiver=found.receiver, by=by, now=now)
    former = Beneficiary.objects.visible_to(by).filter(pk=case.beneficiary_id).first()
    if former is None:  # somebody else ended the offer first, and with it the access
        raise TransferActionRefused(_("The person no longer agrees."))
    plain = {field.name: getattr(former, field.name) for field in encrypted_fields(Beneficiary)}
    documents = identity_documents_of(case, by)
    for row in documents:
        IdentityDetails.of(row)  # decrypts it while its data key can still be read
    _call("transfer_case", found.pk, caseworker.pk)
    _encrypt_copy(case, former, plain, documents)
    found.state = TransferState.ACCEPTED
    # One event for each side: the former lead and the new one.
    for verb, code in (("case transferred", found.sender.code), ("case taken over", found.receiver.code)):
        audit.record(by=by, verb=verb, obj=found, case_id=case.pk, now=now, detail={"organisation": code})
    _notify(
        recipients_about_work("referrals", found.offered_by, found.sender_id),
        found,
        gettext_noop("Case %s was taken over."),
        case.reference,
        now=now,
    )
    leave_notice(
        recipient=caseworker,
        key=f"caseworker:{found.pk}",
        text=gettext_noop("You are now the caseworker of case %s."),
        words=(case.reference,),
        url=f"/cases/{case.reference}/",
        now=now,
    )
    return Case.objects.visible_to(by).get(pk=case.pk)


def _encrypt_copy(
    case: Case, former: Beneficiary, plain: dict[str, str], documents: Iterable[IdentityDocument]
) -> None:
    """If the beneficiary was copied, encrypt its fields for the copy: ciphertext is bound to its row.

    The former lead keeps its identity documents, and the copy gets documents of its own.
    """
    case.refresh_from_db(fields=["beneficiary"])
    if case.beneficiary_id == former.pk:
        return
    for name, text in plain.items():
        setattr(case.beneficiary, name, text)
    case.beneficiary.version += 1
    case.beneficiary.save(update_fields=[*plain, "version"])
    for row in documents:
        row.pk, row.beneficiary, row.version = uuid.uuid4(), case.beneficiary, 1
        row.save(force_insert=True)


@transaction.atomic
def decline_case(*, transfer: CaseTransfer, answer: str, by, now: datetime) -> None:
    """Decline an offer; the lead keeps the case."""
    found = _running(transfer, by)
    if not authority_of(by).may(Permission.WRITE_CASES, found.receiver_id):
        raise PermissionDenied
    _end(found, TransferState.DECLINED, answer, by=by, now=now)
    _notify(
        recipients_about_work("referrals", found.offered_by, found.sender_id),
        found,
        gettext_noop("The transfer of case %s was declined."),
        found.case.reference,
        now=now,
    )


@transaction.atomic
def take_back_case(*, transfer: CaseTransfer, answer: str = "", by, now: datetime) -> None:
    """Take back an offer that nobody has answered yet."""
    found = _running(transfer, by)
    if not Case.objects.led_by(by).filter(pk=found.case_id).exists():
        raise PermissionDenied
    _end(found, TransferState.TAKEN_BACK, answer, by=by, now=now)
    _notify(
        holders(Permission.WRITE_CASES, found.receiver_id),
        found,
        gettext_noop("%s has withdrawn the offer to transfer a case."),
        found.sender.name_en,
        now=now,
    )


def _running(transfer: CaseTransfer, by) -> CaseTransfer:
    """Return the running offer, not locked: the database function that ends it locks it and checks again."""
    found = (
        CaseTransfer.objects.visible_to(by)
        .select_related("case", "sender", "receiver", "offered_by")
        .filter(pk=transfer.pk)
        .first()
    )
    if found is None:
        raise PermissionDenied
    if found.state != TransferState.OFFERED:
        raise TransferActionRefused(
            _("The offer is now in this state: %(state)s.") % {"state": found.get_state_display().lower()}
        )
    return found


def _end(transfer: CaseTransfer, state: str, answer: str, *, by, now: datetime) -> None:
    transfer.answer = answer.strip()
    transfer.clean_fields(exclude=["case", "consent"])
    encrypted = encrypted_columns(CaseTransfer, transfer.pk, transfer.case_id, answer=transfer.answer)
    _call("end_transfer", transfer.pk, state, encrypted["answer"])
    transfer.state = state
    audit.record(by=by, verb=f"case {state}", obj=transfer, case_id=transfer.case_id, now=now)


def _call(function: str, *arguments: object) -> None:
    places = ", ".join(["%s"] * len(arguments))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT access.{function}({places})", arguments)  # type: ignore[arg-type]


def _notify(
    recipients: Iterable[User], transfer: CaseTransfer, text: str, word: str, *, now: datetime
) -> None:
    """Leave a notice; its link answers 404 for a recipient who can't see the offer any more."""
    leave_notices(
        recipients=recipients,
        key=f"transfer-{transfer.state}:{transfer.pk}",
        text=text,
        words=(word,),
        url=f"/transfers/{transfer.pk}/",
        now=now,
    )
