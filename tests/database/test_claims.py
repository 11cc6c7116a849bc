"""Claimed work is settled with the token of its claim only, and no time that a caller passes ends it early."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError, transaction

from beneficiaries.models import Document, Export
from beneficiaries.operations.export import expire_next_export, write_next_export
from core.clock import now
from core.context import acting_as, enter
from tests import factories, scanners
from tests.database import test_reviewed_functions
from tests.database.test_reviewed_functions import rows

world = test_reviewed_functions.world

A, STRANGER = "ngo_a_caseworker", "ngo_b_caseworker"
SETTLED = {
    "settle_mail": ("SELECT access.settle_mail(%s, %s, now(), NULL)", lambda world: world.mail[0]),
    "settle_export": (
        "SELECT access.settle_export(%s, %s, now(), 1, now(), 'tried')",
        lambda world: world.queued.pk,
    ),
    "settle_scan": ("SELECT * FROM access.settle_scan(%s, %s, false)", lambda world: world.document.pk),
}


@pytest.mark.django_db
@pytest.mark.parametrize("token", [uuid4(), None], ids=["another", "none"])
@pytest.mark.parametrize("name", SETTLED)
def test_nothing_is_settled_without_the_token_of_its_claim(world, name, token):
    world.claim()
    statement, subject = SETTLED[name]
    enter(None)
    assert rows(statement, [subject(world), token]) in ([], [(False,)])


@pytest.mark.django_db
@pytest.mark.parametrize("harmful", [False, True])
def test_who_reads_a_document_settles_no_scan_of_it(world, harmful):
    """Its readers see the token of the claim in its row: they could call it clean, or delete its file."""
    world.claim()
    refused = pytest.raises(DatabaseError, match="a sweep acts for nobody")
    with acting_as(world.a), refused, transaction.atomic():
        rows(
            "SELECT s.* FROM beneficiaries_document d, access.settle_scan(d.id, d.token, %s) s WHERE d.id = %s",
            [harmful, world.document.pk],
        )
    with acting_as(world.a):
        assert Document.objects.visible_to(world.a).get(pk=world.document.pk).state == "waiting"


@pytest.mark.django_db
def test_no_file_and_no_lease_expires_because_a_caller_says_so(demo_users, settings):
    """A time that is passed counts only up to the database's clock, and a lease for an hour at most."""
    user, year = demo_users[A], now() + timedelta(days=365)
    settings.SCANNER = scanners.nobody_there()
    with acting_as(user):
        case = factories.a_case(user)
        document = factories.a_document(case, user)
        ready = factories.asked_export(user)
    assert write_next_export(now=now())
    with acting_as(user):
        waiting = factories.asked_export(user)
    assert not expire_next_export(now=year)
    for function, thing in (("claim_export", waiting), ("next_to_scan", document)):
        claim = f"SELECT id FROM access.{function}(%s, %s)"
        assert rows(claim, [now(), timedelta(days=365)]) == [(thing.pk,)]
        assert rows(claim, [year, timedelta(minutes=1)]) == []
    with acting_as(user):
        assert Export.objects.visible_to(user).get(pk=ready.pk).state == "ready"
        until = [
            Export.objects.visible_to(user).get(pk=waiting.pk).lease_until,
            Document.objects.visible_to(user).get(pk=document.pk).leased_until,
        ]
    assert max(until) < now() + timedelta(hours=1, seconds=1)


@pytest.mark.django_db
def test_the_application_gives_no_document_a_token(world):
    """Whoever writes a token into a row could settle it as clean."""
    refused = pytest.raises(DatabaseError, match="stays as it was uploaded")
    with acting_as(world.a), refused, transaction.atomic():
        rows(
            "UPDATE beneficiaries_document SET token = %s WHERE id = %s RETURNING id",
            [uuid4(), world.document.pk],
        )
