"""The content of a programme file, as dataclasses; each field's annotation has its reader."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

import yaml

from projects.choices import FollowUpKind, FollowUpStart, PartnerKind, ServiceAbout, TargetGroup, Unit
from projects.facts import COUNTRIES, DISTRICTS
from projects.programme_files.criteria import SOURCES, criteria
from projects.programme_files.document import (
    choice,
    code,
    day,
    fail,
    listing,
    number,
    record,
    text,
    truth,
    value_of,
)
from projects.rules import digest

MOST_NPR = 9_999_999_999  # ten digits
# Donors are listed under `donors`.
PARTNER_KINDS = [kind.value for kind in PartnerKind if kind is not PartnerKind.DONOR]
Code = Annotated[str, code()]
Name = Annotated[str, text(200)]
Source = Annotated[str, choice("a source", SOURCES)]
Npr = Annotated[int, number("an amount in whole NPR", 1, MOST_NPR)]


@dataclass(frozen=True)
class Period:
    """First and last day, both included."""

    starts_on: Annotated[date, day]
    ends_on: Annotated[date, day]


def _period(node: yaml.Node) -> Period:
    period = record(Period, "the period")(node)
    if period.ends_on < period.starts_on:
        fail(value_of(node, "ends_on"), f"a day on or after {period.starts_on}", str(period.ends_on))
    return period


@dataclass(frozen=True)
class DonorEntry:
    """A donor."""

    code: Code
    name_en: Name
    name_ne: Name


@dataclass(frozen=True)
class PartnerEntry:
    """An organisation that takes part, what it does, and the codes of its services."""

    code: Code
    name_en: Name
    name_ne: Name
    kind: Annotated[str, choice("a kind of partner", PARTNER_KINDS)]
    does_en: Annotated[str, text(400)]
    does_ne: Annotated[str, text(400)]
    source: Source
    services: Annotated[tuple[str, ...], listing(code(), "services")] = ()


@dataclass(frozen=True)
class ServiceEntry:
    """A service. `about`: person or activity. `ceiling_npr`: the most that one may cost."""

    code: Code
    name_en: Name
    name_ne: Name
    about: Annotated[str, choice("what a service is about", ServiceAbout.values)]
    source: Source
    ceiling_npr: Npr | None = None


@dataclass(frozen=True)
class AdmissionAsk:
    """What must be recorded before admission but isn't a criterion; `applies_to`: for whom, None for all."""

    code: Code
    label_en: Name
    label_ne: Name
    source: Source
    applies_to: Annotated[Mapping[str, Any] | None, criteria] = None


@dataclass(frozen=True)
class IndicatorEntry:
    """An indicator. `target` is None where the programme has none."""

    key: Annotated[str, code(60)]
    label_en: Annotated[str, text(300)]
    label_ne: Annotated[str, text(300)]
    unit: Annotated[str, choice("a unit", Unit.values)]
    source: Source
    target: Annotated[int | None, number("a target", 1, MOST_NPR)] = None


def _indicator(node: yaml.Node) -> IndicatorEntry:
    entry = record(IndicatorEntry, "an indicator")(node)
    if entry.unit == Unit.PERCENT and entry.target is not None and entry.target > 100:
        fail(value_of(node, "target"), "a target of at most 100 per cent", str(entry.target))
    return entry


@dataclass(frozen=True)
class FollowUpEntry:
    """A follow-up that is due `after_days` after an event."""

    code: Code
    label_en: Name
    label_ne: Name
    kind: Annotated[str, choice("a kind of follow-up", FollowUpKind.values)]
    starts: Annotated[str, choice("a start", FollowUpStart.values)]
    after_days: Annotated[int, number("days", 0, 3650)]
    source: Source


@dataclass(frozen=True)
class GrantEntry:
    """The most that one grant may be, in NPR, for which service, and in how many instalments."""

    ceiling_npr: Npr
    service: Code
    source: Source
    instalments_max: Annotated[int | None, number("instalments", 1, 24)] = None


@dataclass(frozen=True)
class BudgetLineEntry:
    """Money for one purpose. `pays_grants`: grants may be paid from it."""

    code: Code
    name_en: Name
    name_ne: Name
    amount_npr: Npr
    source: Source
    pays_grants: Annotated[bool, truth] = False


@dataclass(frozen=True)
class Programme:
    """One programme, or one phase of it. `is_demo`: invented, with invented partners."""

    code: Code
    name_en: Annotated[str, text(300)]
    name_ne: Annotated[str, text(300)]
    summary_en: Annotated[str, text(4000)]
    summary_ne: Annotated[str, text(4000)]
    period: Annotated[Period, _period]
    donors: Annotated[tuple[DonorEntry, ...], listing(record(DonorEntry, "a donor"), "donors", key="code")]
    partners: Annotated[
        tuple[PartnerEntry, ...], listing(record(PartnerEntry, "a partner"), "partners", key="code")
    ]
    countries: Annotated[
        tuple[str, ...], listing(choice("a country (ISO 3166 alpha-2)", COUNTRIES), "countries")
    ]
    target_groups: Annotated[
        tuple[str, ...], listing(choice("a target group", TargetGroup.values), "target groups")
    ]
    services: Annotated[
        tuple[ServiceEntry, ...], listing(record(ServiceEntry, "a service"), "services", key="code")
    ]
    criteria: Annotated[Mapping[str, Any], criteria]
    indicators: Annotated[tuple[IndicatorEntry, ...], listing(_indicator, "indicators", key="key")]
    budget_lines: Annotated[
        tuple[BudgetLineEntry, ...],
        listing(record(BudgetLineEntry, "a budget line"), "budget lines", key="code"),
    ]
    districts: Annotated[
        tuple[str, ...], listing(choice("a district code", DISTRICTS), "districts", empty=True)
    ] = ()
    admission_asks: Annotated[
        tuple[AdmissionAsk, ...],
        listing(
            record(AdmissionAsk, "a question at admission"), "questions at admission", empty=True, key="code"
        ),
    ] = ()
    follow_ups: Annotated[
        tuple[FollowUpEntry, ...],
        listing(record(FollowUpEntry, "a follow-up"), "follow-ups", empty=True, key="code"),
    ] = ()
    grant: Annotated[GrantEntry | None, record(GrantEntry, "the grant")] = None
    phase_of: Code | None = None
    is_demo: Annotated[bool, truth] = False

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
