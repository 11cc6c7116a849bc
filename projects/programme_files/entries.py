"""The content of a programme file, as dataclasses."""

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
    """A donor."""

    code: str
    name_en: str
    name_ne: str


@dataclass(frozen=True)
class PartnerEntry:
    """An organisation that takes part, what it does, and the codes of its services."""

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
    """A service. `about`: person or activity. `ceiling_npr`: the most that one may cost."""

    code: str
    name_en: str
    name_ne: str
    about: str
    source: str
    ceiling_npr: int | None = None


@dataclass(frozen=True)
class AdmissionAsk:
    """What must be recorded before admission but isn't a criterion; `applies_to`: for whom, None for all."""

    code: str
    label_en: str
    label_ne: str
    source: str
    applies_to: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class IndicatorEntry:
    """An indicator. `target` is None where the programme has none."""

    key: str
    label_en: str
    label_ne: str
    unit: str
    source: str
    target: int | None = None


@dataclass(frozen=True)
class FollowUpEntry:
    """A follow-up that is due `after_days` after an event."""

    code: str
    label_en: str
    label_ne: str
    kind: str
    starts: str
    after_days: int
    source: str


@dataclass(frozen=True)
class GrantEntry:
    """The most that one grant may be, in NPR, for which service, and in how many instalments."""

    ceiling_npr: int
    service: str
    source: str
    instalments_max: int | None = None


@dataclass(frozen=True)
class BudgetLineEntry:
    """Money for one purpose. `pays_grants`: grants may be paid from it."""

    code: str
    name_en: str
    name_ne: str
    amount_npr: int
    source: str
    pays_grants: bool = False


@dataclass(frozen=True)
class Programme:
    """One programme, or one phase of it. `is_demo`: invented, with invented partners."""

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
        """The digest of the criteria, labels included: another digest is another version."""
        return digest(self.criteria)


def definition_digest(programme: Programme) -> str:
    """Return the SHA-256 of the whole definition, by which a changed file is recognised."""
    canonical = json.dumps(
        dataclasses.asdict(programme), sort_keys=True, ensure_ascii=False, default=date.isoformat
    )
    return hashlib.sha256(canonical.encode()).hexdigest()
