"""What holds of people and cases, without rows, clock or request."""

from collections.abc import Collection
from datetime import date, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from beneficiaries.choices import ConsentGiver, DatePrecision, Risk, RiskSource, TransferState
from core.days import years_between

# What a date can't lie before, in words; asked by `core.days.record_problem`.
BEFORE_BIRTH = _lazy("The date is before the person was born.")
BEFORE_ADMISSION = _lazy("The date is before the admission to the programme.")

AGE_OF_MAJORITY = 18
WORK_AGES = (14, 16)  # from which criteria let somebody train or run an enterprise


def age_on(birth: date | None, on: date) -> int | None:
    """Whole years lived on a day; None where the birth date isn't known."""
    return None if birth is None else years_between(birth, on)


def youngest_age(birth: date | None, precision: str, on: date) -> int | None:
    """The fewest whole years that a birth date leaves open; None where it isn't known. A month may have 32 days."""
    doubt = {DatePrecision.MONTH: 31, DatePrecision.YEAR: 365}.get(DatePrecision(precision or "day"), 0)
    youngest = age_on(birth + timedelta(days=doubt) if birth else None, on)
    return None if youngest is None else max(youngest, 0)


def known_age(birth: date | None, precision: str, on: date) -> int | None:
    """Whole years for the criteria: the fewest, so that who may be 17 counts as a child; None where it is open
    whether somebody is old enough to train or work."""
    oldest, youngest = age_on(birth, on), youngest_age(birth, precision, on)
    if oldest is None or youngest is None:
        return None
    return None if any(youngest < limit <= oldest for limit in WORK_AGES) else youngest


def age_words(birth: date | None, precision: str, on: date) -> int | str:
    """An age as it is shown: never one alone where the birth date leaves two open."""
    oldest, youngest = age_on(birth, on), youngest_age(birth, precision, on)
    if oldest is None or youngest is None:
        return _("not known")
    if youngest >= oldest:
        return youngest
    words = {"youngest": youngest, "oldest": oldest}
    if youngest < AGE_OF_MAJORITY <= oldest:
        return _("%(youngest)s or %(oldest)s, counts as a child") % words
    return _("%(youngest)s or %(oldest)s") % words


def counts_as_child(birth: date | None, precision: str, on: date) -> bool:
    """Whether the birth date leaves open that somebody is under 18 on a day: they are a child, until it doesn't."""
    youngest = youngest_age(birth, precision, on)
    return youngest is not None and youngest < AGE_OF_MAJORITY


def consent_problem(*, given_by: str, reason: str, age: int | None) -> str:
    """Why this consent can't stand for a person of at least this age; "" where it can.

    A child never consents alone: a guardian and the child together, or a best-interests decision where a
    guardian can't safely be asked (the guardian may be the trafficker).
    """
    is_child = age is not None and age < AGE_OF_MAJORITY
    if is_child and given_by == ConsentGiver.SELF:
        return _(
            "The person is, or may be, under 18 and can't consent alone. Go back to consent: ask a guardian "
            "and the child, or record a best-interests decision."
        )
    if age is not None and not is_child and given_by == ConsentGiver.GUARDIAN:
        return _("The person is 18 or older: the consent must be their own. Go back to consent.")
    if given_by == ConsentGiver.BEST_INTERESTS and not reason.strip():
        return _("Say why nobody could safely be asked.")
    return ""


RISK_ORDER = (Risk.UNKNOWN, Risk.LOW, Risk.MEDIUM, Risk.HIGH)


def is_lower_risk(level: str, *, former: str) -> bool:
    """Whether a risk level lies below the one before."""
    return RISK_ORDER.index(Risk(level)) < RISK_ORDER.index(Risk(former))


def is_high_risk_news(level: str, *, former: str, source: str) -> bool:
    """Whether others must hear of it at once: a high risk that is new, or that somebody met with at a visit."""
    return level == Risk.HIGH and (former != Risk.HIGH or source == RiskSource.VISIT)


def case_actions(
    *,
    may_write: bool,
    may_lead: bool,
    is_open: bool,
    has_asked_sharing: bool,
    is_enrolled: bool,
    is_offered: bool = False,
    may_erase: bool = False,
    may_reassign: bool = False,
) -> list[str]:
    """What can be done next with a case file, the most pressing first. An offered case isn't closed."""
    if not is_open:
        return ["erase"] if may_erase else []
    if not may_write:
        return []
    actions = ["offer"] if is_offered and not may_lead else []
    if may_lead and not has_asked_sharing:
        actions.append("ask_sharing")
    actions.append("assess_another" if is_enrolled else "assess")
    actions += ["note", "document", "assess_risk"]
    if may_lead:
        actions += ["reassign"] if may_reassign else []
        actions += ["refer", "offer" if is_offered else "hand_on"]
    return actions if is_offered else [*actions, "close"]


def transfer_answers(*, is_running: bool, receives: bool, leads: bool) -> list[str]:
    """What may become of an offered case by this person: the receiver decides, the lead takes back."""
    if not is_running:
        return []
    answers: list[str] = [TransferState.ACCEPTED, TransferState.DECLINED] if receives else []
    return [*answers, TransferState.TAKEN_BACK] if leads else answers


def missing_primary(groups: Collection[str], primary: str) -> bool:
    """Whether the main situation isn't one of those that hold."""
    return primary not in groups


# Cases read within an hour from which a supervisor is told: in all, at night (22 to 5), of one's own family name.
UNUSUAL_FROM = {"many": 40, "night": 5, "name": 3}

# Rows of lists that one person takes out in a day by themselves; beneficiaries/sql/080_exports.sql holds it too.
EXPORT_ROWS_A_DAY = 200
# Lists that one person asks for in a day; beneficiaries/sql/080_exports.sql holds it too.
EXPORTS_A_DAY = 30
# Rows of one list, whoever agrees: the workbook is made in memory (20,000 rows of 15 cells: 80 MB).
EXPORT_ROWS_AT_ONCE = 20_000
EXPORT_LIVES = timedelta(hours=24)
# A worker that hasn't come back by then is dead: Celery ends a task after 5 minutes.
EXPORT_LEASE = timedelta(minutes=6)
EXPORT_TRIES = 3


def needs_approval(rows: int, *, asked_today: int) -> bool:
    """Whether a second person has to agree to so many more rows on this day."""
    return asked_today + rows > EXPORT_ROWS_A_DAY
