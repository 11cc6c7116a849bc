"""Names of organisations and their kind: whoever chooses a receiver must get the one that they know."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from accounts.models import Notice, Organisation
from accounts.operations.organisation import save_organisation
from core import outbox
from core.clock import now
from core.context import acting_as
from tests import factories
from tests.pages import text_of
from tests.projects.test_admin import address, errors, send

ADMINISTRATOR, TRIES = "administrator", 20
NAMED = {"code": "NGO_Z", "name_en": "Asha Ghar", "name_ne": "आशा घर", "kind": "ngo"}
SAME = [  # other spellings of one of the two names
    {"name_en": "Asha Ghar"},
    {"name_en": "ASHA  ghar"},
    {"name_en": "\uff21sha Ghar"},  # a wide letter
    {"name_en": "As\u200bha\u200d Ghar"},
    {"name_en": "आशा घर"},
    {"name_en": "Another", "name_ne": "asha ghar"},
    {"name_en": "Another", "name_ne": "आ\u200dशा घर"},
]


def _saved(demo_users, **given) -> Organisation:
    by = demo_users[ADMINISTRATOR]
    with acting_as(by):
        return save_organisation(organisation=Organisation(**given), by=by, now=now())


@pytest.mark.django_db
@pytest.mark.parametrize("names", SAME)
def test_no_organisation_gets_the_name_of_another(demo_users, names):
    """Neither a new one nor one that is renamed, in either language."""
    _saved(demo_users, **NAMED)
    with pytest.raises(ValidationError, match="Another organisation has this name"):
        _saved(demo_users, code="ATK", kind="ngo", **names)
    other = _saved(demo_users, code="ATK", kind="ngo", name_en="Something else")
    by = demo_users[ADMINISTRATOR]
    for field, name in names.items():
        setattr(other, field, name)
    with acting_as(by), pytest.raises(ValidationError, match="Another organisation has this name"):
        save_organisation(organisation=other, by=by, now=now())
    with pytest.raises(IntegrityError, match="has this name"), transaction.atomic():
        Organisation.objects.filter(pk=other.pk).update(**names)


@pytest.mark.django_db
def test_an_organisation_keeps_its_own_names(demo_users):
    made = _saved(demo_users, **NAMED)
    by = demo_users[ADMINISTRATOR]
    made.name_en, made.name_ne = "ASHA GHAR", "Asha ghar"
    with acting_as(by):
        save_organisation(organisation=made, by=by, now=now())
        for code in ("ONE", "TWO"):  # without a Nepali name
            save_organisation(
                organisation=Organisation(code=code, name_en=code, kind="ngo"), by=by, now=now()
            )


@pytest.mark.django_db
def test_the_admin_says_that_another_organisation_has_the_name(sign_in, demo_users):
    taken = factories.organisation("NGO_B").name_en
    typed = {"code": "ATK", "name_en": taken, "kind": "ngo", "is_active": "on"}
    page = send(sign_in(ADMINISTRATOR), address(Organisation, "add"), typed)
    assert "Another organisation has this name" in errors(page)
    assert taken in page.content.decode(), "what was typed is kept"
    assert not Organisation.objects.filter(code="ATK").exists()


def _named_at_once(demo_users) -> int:
    """Add organisations with one name at once; return how many there are."""
    start = Barrier(TRIES)

    def add(number: int) -> bool:
        try:
            start.wait(timeout=60)
            with transaction.atomic():
                Organisation.objects.create(code=f"N{number}", name_en="Asha Ghar", kind="ngo")
        except IntegrityError:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(TRIES) as pool:
        return list(pool.map(add, range(TRIES))).count(True)


def test_of_twenty_at_once_one_gets_the_name(committed, demo_users):
    assert _named_at_once(demo_users) == 1


def test_without_the_lock_more_would_get_the_name(committed, owner, demo_users):
    owner.execute("SELECT pg_get_functiondef('access.organisation_is_named_apart()'::regprocedure)")
    source = owner.fetchone()[0]
    loose = source.replace("PERFORM pg_advisory_xact_lock(", "PERFORM pg_sleep(0.2); PERFORM hashint8(")
    assert loose != source
    owner.execute(loose.replace("END IF;", "END IF; PERFORM pg_sleep(0.2);"))
    assert _named_at_once(demo_users) > 1


@pytest.mark.django_db
def test_another_name_of_an_organisation_with_cases_notifies_its_users(sign_in, demo_users):
    """Its focal points and supervisors, at once, in the site and by mail; not for a change of something else."""
    with acting_as(demo_users["ngo_a_caseworker"]):
        factories.a_case(demo_users["ngo_a_caseworker"])
    where = address(Organisation, "change", factories.organisation("NGO_A").pk)
    notified = [demo_users["ngo_a_focal_point"], demo_users["ngo_a_supervisor"]]
    for typed, count in ({}, 0), ({"name_en": "Maiti (old office)"}, 1):
        send(sign_in(ADMINISTRATOR), where, typed)
        for user in notified:
            with acting_as(user):
                found = Notice.objects.visible_to(user).filter(text__contains="name of your organisation")
                assert found.count() == count
    outbox.deliver(now=now())
    mailed = {to for sent in mail.outbox for to in sent.to if "name of your organisation" in sent.body}
    assert mailed == {user.email for user in notified}


@pytest.mark.django_db
@pytest.mark.parametrize("page", ["referrals", "transfers"])
def test_the_code_stands_beside_a_receivers_name(sign_in, demo_users, page):
    by = demo_users["ngo_a_caseworker"]
    with acting_as(by):
        case = factories.a_case(by)
    other = factories.organisation("NGO_B")
    text = text_of(sign_in(by.username).get(f"/cases/{case.reference}/{page}/new/"))
    assert f"{other.name_en} ({other.code})" in text


@pytest.mark.django_db
@pytest.mark.parametrize("is_active", [True, False])
def test_there_is_one_iom_office(sign_in, demo_users, is_active):
    """A second one would get the files that are shared with IOM, and decide on access there alone."""
    typed = {"code": "AAA_IOM", "name_en": "Another office", "kind": "iom"}
    page = send(
        sign_in(ADMINISTRATOR),
        address(Organisation, "add"),
        typed | ({"is_active": "on"} if is_active else {}),
    )
    assert "There is an IOM office already." in errors(page)
    with pytest.raises(IntegrityError, match="accounts_organisation_one_iom"), transaction.atomic():
        Organisation.objects.create(**typed, is_active=is_active)
    assert Organisation.objects.get(kind="iom").code == "IOM"
