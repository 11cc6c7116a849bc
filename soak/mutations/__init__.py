"""The mutants, a module a floor: each takes away or weakens one rule of who may see or do what."""

from soak.mutations.above import API, PROJECTS, REINTEGRATION
from soak.mutations.accounts import ACCOUNTS
from soak.mutations.beneficiaries import BENEFICIARIES
from soak.mutations.children import CHILDREN
from soak.mutations.core import CORE
from soak.mutations.drafts import DRAFTS
from soak.mutations.exports import EXPORTS
from soak.mutations.files import FILES
from soak.mutations.leaving import LEAVERS
from soak.mutations.mutant import Mutant
from soak.mutations.record import RECORD
from soak.mutations.risk import RISK

MUTANTS: list[Mutant] = [
    *CORE,
    *RECORD,
    *ACCOUNTS,
    *BENEFICIARIES,
    *FILES,
    *EXPORTS,
    *DRAFTS,
    *LEAVERS,
    *RISK,
    *CHILDREN,
    *REINTEGRATION,
    *PROJECTS,
    *API,
]

__all__ = ["MUTANTS", "Mutant"]
