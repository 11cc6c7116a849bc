"""Offers to transfer a case."""

from django.utils.translation import gettext_lazy

from accounts.authority import authority_of
from accounts.choices import Permission
from beneficiaries import rules
from beneficiaries.choices import TransferState
from beneficiaries.models import Case, CaseTransfer
from beneficiaries.models.transfer import CaseTransferQuerySet


def transfers_for(user) -> CaseTransferQuerySet:
    """Return the transfer offers of cases that this user works on, as sender or as receiver."""
    return CaseTransfer.objects.visible_to(user).select_related("case", "sender", "receiver")


def transfer_answers_open(transfer: CaseTransfer, user) -> list[tuple[str, str]]:
    """Return the answers (state, label) that this user may give to an offer now."""
    states = rules.transfer_answers(
        is_running=transfer.state == TransferState.OFFERED,
        receives=authority_of(user).may(Permission.WRITE_CASES, transfer.receiver_id),
        leads=Case.objects.led_by(user).filter(pk=transfer.case_id).exists(),
    )
    return [(state, str(_ANSWERS[TransferState(state)])) for state in states]


_ANSWERS = {
    TransferState.ACCEPTED: gettext_lazy("We take the case over"),
    TransferState.DECLINED: gettext_lazy("We decline"),
    TransferState.TAKEN_BACK: gettext_lazy("Withdraw the offer"),
}
