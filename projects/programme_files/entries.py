"""What a programme file holds, read and checked."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from projects.rules import digest


@dataclass(frozen=True)
class Period:
    """First and last day, both included."""

    starts_on: date
    ends_on: date


@dataclass(frozen=True)
class DonorEntry:
    code: str
    name_en: str
    name_ne: str


@dataclass(frozen=True)
class PartnerEntry:
    """An organisation that takes part, what it does, and the codes of the services that it gives."""

    code: str
    name_en: str
    name_ne: str
    kind: str
    does_en: str
    does_ne: str
    source: str
    services: tuple[str, ...] = ()


@dataclass(frozen=True)
class ServiceEntry:
    """`about` person or activity; the ceiling is what one may cost, in NPR."""

    code: str
    name_en: str
    name_ne: str
    about: str
    source: str
    ceiling_npr: int | None = None


@dataclass(frozen=True)
class AdmissionAsk:
    """What must be on record before admission but isn't a criterion; `applies_to` says of whom, or of all."""

    code: str
    label_en: str
    label_ne: str
    source: str
    applies_to: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class IndicatorEntry:
    """`target` is None where the programme named none."""

    key: str
    label_en: str
    label_ne: str
    unit: str
    source: str
    target: int | None = None


@dataclass(frozen=True)
class FollowUpEntry:
    """A follow-up owed so many days after an action."""

    code: str
    label_en: str
    label_ne: str
    kind: str
    starts: str
    after_days: int
    source: str


@dataclass(frozen=True)
class GrantEntry:
    """The most that one grant may be in NPR, for which service, in how many instalments."""

    ceiling_npr: int
    service: str
    source: str
    instalments_max: int | None = None


@dataclass(frozen=True)
class BudgetLineEntry:
    """Money for one purpose. `pays_grants`: grants may be asked for from it."""

    code: str
    name_en: str
    name_ne: str
    amount_npr: int
    source: str
    pays_grants: bool = False


@dataclass(frozen=True)
class Programme:
    """One programme, or one phase of it, as its file says. `is_demo`: invented, with invented partners."""

    code: str
    name_en: str
    name_ne: str
    summary_en: str
    summary_ne: str
    period: Period
    donors: tuple[DonorEntry, ...]
    partners: tuple[PartnerEntry, ...]
    countries: tuple[str, ...]
    target_groups: tuple[str, ...]
    services: tuple[ServiceEntry, ...]
    criteria: Mapping[str, Any]
    indicators: tuple[IndicatorEntry, ...]
    budget_lines: tuple[BudgetLineEntry, ...]
    districts: tuple[str, ...] = ()
    admission_asks: tuple[AdmissionAsk, ...] = ()
    follow_ups: tuple[FollowUpEntry, ...] = ()
    grant: GrantEntry | None = None
    phase_of: str | None = None
    is_demo: bool = False

    @property
    def criteria_digest(self) -> str:
        """Changes whenever the criteria do, a label included: a new digest is a new version."""
        return digest(self.criteria)


def definition_digest(programme: Programme) -> str:
    """SHA-256 of the whole definition, to tell an edited file from one already loaded."""
    canonical = json.dumps(
        dataclasses.asdict(programme), sort_keys=True, ensure_ascii=False, default=date.isoformat
    )
    return hashlib.sha256(canonical.encode()).hexdigest()
