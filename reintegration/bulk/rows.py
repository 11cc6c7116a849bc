"""Invented beneficiaries with their cases and rows of these, as lines for COPY.

Access rows are written here by the rules of the triggers (beneficiaries/sql/010_access.sql): the lead's row,
`working` by consent to share, `summary` by managing a programme that the case is in, and on each row the programmes
of the case that its organisation manages.
"""

import random
from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from beneficiaries.identity import number_index
from core import data_keys
from core.encrypted_fields import cell
from core.names import key as name_key
from core.phone import phone_index
from core.reference import LENGTH, SIGNS
from reintegration.bulk.base_data import Admission, BaseData, days_back, new_id
from reintegration.bulk.names import FAMILIES, MEN, MIDDLE, WOMEN
from reintegration.demo.words import COUNTRIES, NARRATIVES

NULL = "\\N"
# Columns that aren't named get the default of their model.
COLUMNS = {
    "core_datakey": ("subject_id", "wrapped", "made_at"),
    "beneficiaries_beneficiary": (
        *("id", "organisation_id", "first_name", "middle_name", "second_name", "name_ne", "find_key", "sex"),
        *("birth_on", "birth_precision", "birth_as_typed", "citizenship", "home_district_id", "home_place"),
        *("phone", "phone_index", "safe_contact", "registered_on", "created_at"),
    ),
    "beneficiaries_identitydocument": (
        *("id", "beneficiary_id", "kind", "state", "number", "number_index", "issued_district_id"),
        *("issued_on", "expires_on", "recorded_by_id", "recorded_at"),
    ),
    "beneficiaries_case": (
        *("id", "reference", "beneficiary_id", "lead_organisation_id", "status", "opened_on", "closed_on"),
        *("changed_on", "created_at"),
    ),
    "beneficiaries_casefile": (
        *("id", "case_id", "caseworker_id", "risk", "groups", "primary_group", "country_of_stay"),
        *("current_district_id", "narrative", "needs"),
    ),
    "beneficiaries_riskassessment": (
        *("id", "case_id", "level", "former", "source", "assessed_on", "by_id", "at"),
    ),
    "beneficiaries_consent": (
        *("id", "case_id", "purpose", "organisation_id", "is_given", "given_by", "how", "asked_on"),
        *("until_on", "withdrawn_on", "recorded_by_id", "recorded_at"),
    ),
    "beneficiaries_assessment": (
        *("id", "case_id", "project_id", "criteria_id", "assessed_on", "facts", "result", "outcome"),
        *("decision", "by_id", "at"),
    ),
    "beneficiaries_enrolment": (
        *("id", "case_id", "project_id", "assessment_id", "enrolled_on", "entered_on", "status", "ended_on"),
        *("by_id", "at"),
    ),
    "beneficiaries_caseaccess": (
        *("id", "case_id", "organisation_id", "level", "basis", "expires_at", "reference", "status"),
        *("district_id", "lead_organisation_id", "changed_on", "risk", "caseworker_id", "programmes"),
    ),
}

IDENTIFIED = 0.6  # beneficiaries with a citizenship certificate, or as a child with a birth registration
PASSPORT = 0.4
ISSUED_BEFORE = 400  # days before the beneficiary was registered
SECOND_CASE = 0.5  # beneficiaries with an earlier, closed case: 1.5 cases on average
OPEN_NOW = 0.45  # of the latest cases; earlier ones are closed, so 30% of all are open
SHARES_WITH_IOM, REFUSES_IOM, ENDS_SHARING = 0.6, 0.1, 0.03
SHARES_WITH_ANOTHER = 0.2
ADMITTED = 0.6  # of cases opened while a programme ran
OPEN_DAYS, PAST_DAYS = 900, 5_700  # open cases were opened up to so long ago, and closed ones
RISKS = ("unknown", "low", "low", "medium", "medium", "high")
GROUPS = (
    ("{stranded_migrant,returnee_migrant}", "stranded_migrant"),
    ("{returnee_migrant}", "returnee_migrant"),
    ("{survivor_of_trafficking}", "survivor_of_trafficking"),
    ("{survivor_of_trafficking,returnee_migrant}", "survivor_of_trafficking"),
    ("{vulnerable_woman}", "vulnerable_woman"),
    ("{potential_victim}", "potential_victim"),
)
CHILD_GROUPS = ("{child_in_vulnerable_situation}", "child_in_vulnerable_situation")
ADULT_AT = 18 * 366  # days: 18 years in any calendar


@dataclass(slots=True)
class OpenedCase:
    """One case while its lines are written. `opened` and `changed` are days before today."""

    id: str
    lead: str
    caseworker: str
    reference: str
    status: str
    opened: int
    changed: int
    district: str
    risk: str
    giver: str


@dataclass(frozen=True, slots=True)
class Access:
    """The access of an organisation to a case."""

    organisation: str
    level: str
    basis: str
    expires: str = NULL


def _bytea(value: bytes) -> str:
    return "\\\\x" + value.hex()


class RowBuilder:
    """Draws beneficiaries. The same generator state and base data give the same lines."""

    def __init__(self, rng: random.Random, base: BaseData, lines: dict[str, list[str]]) -> None:
        self.rng, self.base, self.lines = rng, base, lines
        self.days = days_back(base.today, 23_000)
        self.ahead = [(base.today + timedelta(days=number)).isoformat() for number in range(500)]
        self.references = 0  # how many were given
        self.documents = 0  # identity documents written; each has a number of its own
        self.data_key = ("", b"")  # subject and data key of the rows being written
        # A step without a common factor with 31**7 reaches every reference once, in no visible order.
        self.start, self.step = rng.randrange(31**LENGTH), rng.randrange(31**6, 31**LENGTH) // 31 * 31 + 7

    def moment(self, day: int) -> str:
        """Return eleven o'clock in Nepal on the day `day` days ago, as text."""
        return f"{self.days[day]}T11:00:00+05:45"

    def reference(self) -> str:
        """Return the next reference, with its check character (see `core.reference`)."""
        rest = (self.start + self.references * self.step) % 31**LENGTH
        self.references += 1
        body, weighted = "", 0
        for place in range(LENGTH):
            rest, digit = divmod(rest, 31)
            body += SIGNS[digit]
            weighted += (place + 2) * digit
        return f"{body[:4]}-{body[4:]}-{SIGNS[weighted % 31]}"

    def _encrypted(self, table: str, column: str, row: str, subject: str, text: str) -> str:
        """Return the value as `core.encrypted_fields` would encrypt it, as COPY reads bytes.

        The first value of a subject adds a line for its data key.
        """
        if not text:
            return ""
        subject_id = UUID(subject)
        if self.data_key[0] != subject:
            self.data_key = (subject, data_keys.new_key())
            wrapped = data_keys.wrap(subject_id, self.data_key[1])
            self.lines["core_datakey"].append(f"{subject}\t{_bytea(wrapped)}\t{self.moment(0)}\n")
        bound = cell(table, column, UUID(row))
        return _bytea(data_keys.encrypt_under(self.data_key[1], subject_id, text.encode(), bound_to=bound))

    def pick(self, choices):
        """Return one of the choices; `random.choice` would take three times as long."""
        return choices[int(self.rng.random() * len(choices))]

    def beneficiary(self) -> None:
        """Write one beneficiary with one case, or with an earlier one too."""
        chance, base = self.rng.random, self.base
        ngo = base.ngos[bisect(base.cumulated, chance() * base.cumulated[-1])]
        beneficiary_id, is_child = new_id(self.rng), chance() < 0.08
        district = base.districts[int(chance() ** 1.7 * len(base.districts))]
        is_open, has_earlier = chance() < OPEN_NOW, chance() < SECOND_CASE
        opened = int(chance() * OPEN_DAYS) if is_open else 30 + int(chance() * (PAST_DAYS - 30))
        earlier = opened + 30 + int(chance() * 400) if has_earlier else opened
        born = earlier + int((8 + chance() * 8 if is_child else 20 + chance() * 22) * 365)
        self._beneficiary(beneficiary_id, ngo, district, born, earlier)
        self._identity_documents(beneficiary_id, ngo, district, born, earlier)
        if has_earlier:
            self._case(
                beneficiary_id,
                ngo,
                district,
                born,
                earlier,
                closed=opened + int(chance() * (earlier - opened)),
            )
        self._case(
            beneficiary_id, ngo, district, born, opened, closed=None if is_open else int(chance() * opened)
        )

    def _beneficiary(self, beneficiary_id: str, ngo: str, district: str, born: int, registered: int) -> None:
        is_woman = self.rng.random() < 0.7
        first, middle, family = self.pick(WOMEN if is_woman else MEN), self.pick(MIDDLE), self.pick(FAMILIES)
        name_ne = " ".join(part[1] for part in (first, middle, family) if part[1])
        name = " ".join(part[0] for part in (first, middle, family) if part[0])
        phone = f"+977 980-{1000000 + int(self.rng.random() * 8999999)}"
        safe = self.pick(("", "", "", "Phone after 5 pm only; the brother must not answer."))
        phone_bytes, safe_contact_bytes = (
            self._encrypted("beneficiaries_beneficiary", column, beneficiary_id, beneficiary_id, text)
            for column, text in (("phone", phone), ("safe_contact", safe))
        )
        self.lines["beneficiaries_beneficiary"].append(
            f"{beneficiary_id}\t{ngo}\t{first[0]}\t{middle[0]}\t{family[0]}\t{name_ne}\t{name_key(f'{name} {name_ne}')}"
            f"\t{'female' if is_woman else 'male'}\t{self.days[born]}\tday\t{self.days[born]} AD\tNP"
            f"\t{district}\tWard {1 + int(self.rng.random() * 9)}"
            f"\t{phone_bytes}\t{_bytea(phone_index(phone) or b'')}\t{safe_contact_bytes}\t{self.days[registered]}"
            f"\t{self.moment(registered)}\n"
        )

    def _identity_documents(
        self, beneficiary: str, ngo: str, district: str, born: int, registered: int
    ) -> None:
        known = []
        if self.rng.random() < IDENTIFIED:
            is_child = born - registered < ADULT_AT
            known.append(("birth_registration" if is_child else "citizenship", "27-01-{:02}-{:05}", NULL))
        if self.rng.random() < PASSPORT:
            ten_years_later = self.base.today - timedelta(days=registered + ISSUED_BEFORE - 3_652)
            known.append(("passport", "PA{:02}{:05}", ten_years_later.isoformat()))
        for kind, digits, expires in known:
            document_id = new_id(self.rng)
            self.documents += 1
            number = digits.format(*divmod(self.documents, 100_000))
            number_bytes = self._encrypted(
                "beneficiaries_identitydocument", "number", document_id, beneficiary, number
            )
            self.lines["beneficiaries_identitydocument"].append(
                f"{document_id}\t{beneficiary}\t{kind}\thas\t{number_bytes}\t{_bytea(number_index(number) or b'')}"
                f"\t{district}\t{self.days[registered + ISSUED_BEFORE]}\t{expires}"
                f"\t{self.pick(self.base.caseworkers[ngo])}\t{self.moment(registered)}\n"
            )

    def _case(
        self, beneficiary: str, ngo: str, home: str, born: int, opened: int, closed: int | None
    ) -> None:
        chance = self.rng.random
        is_open, is_child = closed is None, born - opened < ADULT_AT
        case = OpenedCase(
            id=new_id(self.rng),
            lead=ngo,
            caseworker=self.pick(self.base.caseworkers[ngo]),
            reference=self.reference(),
            status=("follow_up" if chance() < 0.25 else "active") if is_open else "closed",
            opened=opened,
            changed=int(chance() * opened) if closed is None else closed,
            district=home if chance() < 0.8 else self.pick(self.base.districts),
            risk=self.pick(RISKS),
            giver="guardian" if is_child else "self",
        )
        self.lines["beneficiaries_case"].append(
            f"{case.id}\t{case.reference}\t{beneficiary}\t{ngo}\t{case.status}\t{self.days[opened]}"
            f"\t{NULL if is_open else self.days[case.changed]}\t{self.days[case.changed]}\t{self.moment(opened)}\n"
        )
        self._file(case, CHILD_GROUPS if is_child else self.pick(GROUPS))
        self._consent(case, "services", NULL)
        holders = [Access(ngo, "lead", "lead"), *self._shares(case)]
        admission = self._admission(case)
        if admission and admission.manager_id not in {access.organisation for access in holders}:
            holders.append(Access(admission.manager_id, "summary", "programme"))
        for access in holders:
            self._access(case, access, admission)

    def _file(self, case: OpenedCase, groups: tuple[str, str]) -> None:
        country = self.pick(COUNTRIES) if "migrant" in groups[0] else ""
        file_id = new_id(self.rng)
        texts = {
            "narrative": self.pick(NARRATIVES),
            "needs": "A livelihood near home, and somebody to talk to.",
        }
        narrative, needs = (
            self._encrypted("beneficiaries_casefile", name, file_id, case.id, text)
            for name, text in texts.items()
        )
        self.lines["beneficiaries_casefile"].append(
            f"{file_id}\t{case.id}\t{case.caseworker}\t{case.risk}\t{groups[0]}\t{groups[1]}\t{country}"
            f"\t{case.district}\t{narrative}\t{needs}\n"
        )
        if case.risk != "unknown":
            self.lines["beneficiaries_riskassessment"].append(
                f"{new_id(self.rng)}\t{case.id}\t{case.risk}\tunknown\tintake\t{self.days[case.opened]}"
                f"\t{case.caseworker}\t{self.moment(case.opened)}\n"
            )

    def _consent(
        self,
        case: OpenedCase,
        purpose: str,
        organisation: str,
        given: bool = True,
        until: str = NULL,
        withdrawn: str = NULL,
    ) -> None:
        self.lines["beneficiaries_consent"].append(
            f"{new_id(self.rng)}\t{case.id}\t{purpose}\t{organisation}\t{'t' if given else 'f'}\t{case.giver}"
            f"\tspoken\t{self.days[case.opened]}\t{until}\t{withdrawn}\t{case.caseworker}\t{self.moment(case.opened)}\n"
        )

    def _access(self, case: OpenedCase, access: Access, admission: Admission | None) -> None:
        is_full = access.level in ("lead", "working")
        managed = admission.project_id if admission and admission.manager_id == access.organisation else ""
        self.lines["beneficiaries_caseaccess"].append(
            f"{new_id(self.rng)}\t{case.id}\t{access.organisation}\t{access.level}\t{access.basis}\t{access.expires}"
            f"\t{case.reference}\t{case.status}"
            f"\t{case.district if is_full else NULL}\t{case.lead}"
            f"\t{self.days[case.changed]}\t{case.risk if is_full else ''}"
            f"\t{case.caseworker if is_full else NULL}\t{{{managed}}}\n"
        )

    def _shares(self, case: OpenedCase) -> Iterator[Access]:
        """Write answers to sharing; yield the access of organisations that share the case."""
        chance = self.rng.random
        answer = chance()
        if answer < SHARES_WITH_IOM:
            yield from self._share(case, self.base.iom)
        elif answer < SHARES_WITH_IOM + REFUSES_IOM:
            self._consent(case, "sharing", self.base.iom, given=False)
        if chance() < SHARES_WITH_ANOTHER:
            other = self.pick(self.base.ngos)
            if other != case.lead:
                yield from self._share(case, other)

    def _share(self, case: OpenedCase, organisation: str) -> Iterator[Access]:
        chance = self.rng.random()
        if chance < ENDS_SHARING:
            ended = self.days[int(self.rng.random() * (case.opened + 1))]
            self._consent(case, "sharing", organisation, withdrawn=ended)
            return
        until = expires = NULL
        if chance < 0.1:  # consent ends at the end of that day in Nepal
            last = int(self.rng.random() * 400)
            until, expires = self.ahead[last], f"{self.ahead[last + 1]}T00:00:00+05:45"
        self._consent(case, "sharing", organisation, until=until)
        yield Access(organisation, "working", "consent", expires)

    def _admission(self, case: OpenedCase) -> Admission | None:
        """Write the admission to a programme and return it, or None."""
        day = self.base.today - timedelta(days=case.opened)
        running = [found for found in self.base.admissions if found.starts_on <= day <= found.ends_on]
        if not running or self.rng.random() >= ADMITTED:
            return None
        admission: Admission = self.pick(running)
        assessment_id, at = new_id(self.rng), self.moment(case.opened)
        self.lines["beneficiaries_assessment"].append(
            f"{assessment_id}\t{case.id}\t{admission.project_id}\t{admission.criteria_id}\t{day}\t{admission.facts}"
            f"\t{admission.result}\t{admission.outcome}\tadmitted\t{case.caseworker}\t{at}\n"
        )
        is_over = case.status == "closed"
        self.lines["beneficiaries_enrolment"].append(
            f"{new_id(self.rng)}\t{case.id}\t{admission.project_id}\t{assessment_id}\t{day}\t{day}"
            f"\t{'completed' if is_over else 'active'}\t{self.days[case.changed] if is_over else NULL}"
            f"\t{case.caseworker}\t{at}\n"
        )
        return admission
