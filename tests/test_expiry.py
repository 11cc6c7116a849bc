"""Access that has run out opens nothing: in a database of its own, where the owner can turn the clock."""

from beneficiaries.models import CaseFile
from beneficiaries.operations import break_glass
from core.context import acting_as
from tests import story
from tests.test_levels import EMERGENCY, PROTECTION, A, now


def test_an_expired_emergency_opens_nothing(cast, committed, owner):
    with acting_as(cast[A]):
        case = story.a_case(cast[A])
    with acting_as(cast[PROTECTION]):
        break_glass(typed=case.reference, reason=EMERGENCY, by=cast[PROTECTION], now=now())
    owner.execute("UPDATE beneficiaries_caseaccess SET expires_at = now() WHERE basis = 'emergency'")
    with acting_as(cast[PROTECTION]):
        assert CaseFile.objects.filter(case=case).count() == 0
        assert CaseFile.objects.visible_to(cast[PROTECTION]).filter(case=case).count() == 0
