"""Invented people and cases, for trying the software out and for tests."""

from reintegration.demo.cases import NotOurs, is_seeded, seed
from reintegration.demo.users import CAST, password_of

__all__ = ["CAST", "NotOurs", "is_seeded", "password_of", "seed"]
