"""Invented people and cases, for trying the software out and for tests."""

from reintegration.demo.cases import NotOurs, is_seeded, seed
from reintegration.demo.users import DEMO_USERS, password_of

__all__ = ["DEMO_USERS", "NotOurs", "is_seeded", "password_of", "seed"]
