"""The mutants, one module for each app or feature: each removes or weakens one rule of who may see or do
what.
"""

from soak.mutations.access_requests import ACCESS_REQUESTS
from soak.mutations.accounts import ACCOUNTS
from soak.mutations.audit import AUDIT
from soak.mutations.beneficiaries import BENEFICIARIES
from soak.mutations.children import CHILDREN
from soak.mutations.conditions import CONDITIONS
from soak.mutations.core import CORE
from soak.mutations.corrections import CORRECTIONS
from soak.mutations.credentials import CREDENTIALS
from soak.mutations.drafts import DRAFTS
from soak.mutations.exports import EXPORTS
from soak.mutations.files import FILES
from soak.mutations.leaving import LEAVING_MUTANTS
from soak.mutations.levels import LEVELS
from soak.mutations.mutant import Mutant
from soak.mutations.programmes import API, PROJECTS, REINTEGRATION
from soak.mutations.risk import RISK
from soak.mutations.signing_in import SIGNING_IN

MUTANTS: list[Mutant] = [
    *CORE,
    *CONDITIONS,
    *AUDIT,
    *ACCOUNTS,
    *ACCESS_REQUESTS,
    *SIGNING_IN,
    *CREDENTIALS,
    *LEVELS,
    *BENEFICIARIES,
    *FILES,
    *EXPORTS,
    *DRAFTS,
    *LEAVING_MUTANTS,
    *RISK,
    *CHILDREN,
    *CORRECTIONS,
    *REINTEGRATION,
    *PROJECTS,
    *API,
]

__all__ = ["MUTANTS", "Mutant"]
