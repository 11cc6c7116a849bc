"""Demo users and invented cases, for trials and tests."""

from reintegration.demo.cases import NotDemoData, is_seeded, seed
from reintegration.demo.users import DEMO_USERS, password_of

__all__ = ["DEMO_USERS", "NotDemoData", "is_seeded", "password_of", "seed"]
