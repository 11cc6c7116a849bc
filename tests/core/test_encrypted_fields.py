"""Encrypted fields: a stolen disk shows no text and no contact details, and destroying a data key erases
them.
"""

import base64
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.core.exceptions import FieldError
from django.db import connection, transaction

from beneficiaries.models import Beneficiary, CaseFile, CaseNote
from beneficiaries.operations.note import add_note
from beneficiaries.queries.case_list import case_list
from core import data_keys, encryption
from core.access import Confidentiality
from core.clock import now
from core.context import acting_as, enter
from core.encrypted_fields import encrypted_fields
from core.encryption import KeyRing, NotDecryptable, keys_from
from core.phone import e164s
from core.policies import own_models
from tests import databases, factories

A, B = "ngo_a_caseworker", "ngo_b_caseworker"
WORD = "Zzcanary"
PHONE = "+977 980-4417009"


@pytest.fixture
def case(demo_users):
    with acting_as(demo_users[A]):
        made = factories.a_case(
            demo_users[A],
            details=factories.beneficiary_details(phone=PHONE, safe_contact=f"{WORD} after five"),
            situation=factories.a_situation(narrative=f"{WORD} was not paid.", needs=WORD, htcds={"x": WORD}),
        )
        add_note(
            case=made,
            text=f"{WORD} came by.",
            confidentiality=Confidentiality.NORMAL,
            by=demo_users[A],
            now=now(),
        )
        return made


def _raw(statement: str, *values) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


CONFIDENTIAL_PERMISSIONS = [
    (model, field.name) for model in own_models() for field in encrypted_fields(model)
]
# Free text that isn't encrypted, each with the reason.
IN_CLEAR = {
    "accounts.Session.session_data": "who is signed in, and how",
    "accounts.Notice.text": "names nobody",
    "core.OutboxMessage.body": "names nobody",
    "projects.": "configuration",
}


def test_every_free_text_about_a_beneficiary_is_encrypted():
    """Fails for a text column that is no list, code or name, and that is neither encrypted nor listed above."""
    found = {
        f"{model._meta.label}.{field.name}"
        for model in own_models()
        for field in model._meta.concrete_fields
        if field.get_internal_type() == "TextField"
    }
    assert {name for name in found if not name.startswith(tuple(IN_CLEAR))} == set()
    assert len(CONFIDENTIAL_PERMISSIONS) > 30


@pytest.mark.django_db
def test_an_encrypted_field_is_stored_as_bytes_and_read_as_text(case, demo_users):
    with acting_as(demo_users[A]):
        ((narrative, htcds),) = _raw(
            "SELECT narrative, htcds FROM beneficiaries_casefile WHERE case_id = %s", case.pk
        )
        assert WORD.encode() not in bytes(narrative) + bytes(htcds)
        file = CaseFile.objects.get(case=case)
        assert (file.narrative, file.needs, file.htcds) == (f"{WORD} was not paid.", WORD, {"x": WORD})
        person = Beneficiary.objects.get(pk=case.beneficiary_id)
        assert (person.phone, person.safe_contact) == (PHONE, f"{WORD} after five")


@pytest.mark.django_db
def test_saving_a_row_that_was_not_read_leaves_it_as_it_was(case, demo_users):
    with acting_as(demo_users[A]):
        before = _raw("SELECT narrative, needs FROM beneficiaries_casefile WHERE case_id = %s", case.pk)
        file = CaseFile.objects.get(case=case)
        file.country_of_stay, file.version = "QA", file.version + 1
        file.save()
        after = _raw("SELECT narrative, needs FROM beneficiaries_casefile WHERE case_id = %s", case.pk)
        assert [bytes(value) for value in before[0]] == [bytes(value) for value in after[0]]


@pytest.mark.django_db
@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
def test_a_number_that_json_does_not_have_is_not_saved(case, demo_users, number):
    """Saved, it would break the list of cases of every program that asks the API for it."""
    with acting_as(demo_users[A]):
        file = CaseFile.objects.get(case=case)
        file.htcds, file.version = {"x": number}, file.version + 1
        with pytest.raises(ValueError, match="not JSON compliant"), transaction.atomic():
            file.save()


def _moved(owner, statement: str, *values) -> None:
    owner.execute(statement, values)
    assert owner.rowcount == 1


@pytest.mark.parametrize("what", ["another row", "another column", "a changed byte"])
def test_an_encrypted_value_that_was_moved_or_changed_is_refused(committed, owner, demo_users, what):
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A], situation=factories.a_situation(narrative="One", needs="Two"))
        notes = [
            add_note(
                case=case, text=text, confidentiality=Confidentiality.NORMAL, by=demo_users[A], now=now()
            )
            for text in ("Three", "Four")
        ]
    if what == "another row":
        _moved(
            owner,
            "UPDATE beneficiaries_casenote SET text = (SELECT text FROM beneficiaries_casenote WHERE id = %s) "
            "WHERE id = %s",
            str(notes[0].pk),
            str(notes[1].pk),
        )
    elif what == "another column":
        _moved(owner, "UPDATE beneficiaries_casefile SET needs = narrative WHERE case_id = %s", str(case.pk))
    else:
        _moved(
            owner,
            "UPDATE beneficiaries_casefile SET needs = set_byte(needs, length(needs) - 1, "
            "(get_byte(needs, length(needs) - 1) + 1) %% 256) WHERE case_id = %s",
            str(case.pk),
        )
    with acting_as(demo_users[A]), pytest.raises(NotDecryptable):
        print(CaseNote.objects.get(pk=notes[1].pk).text, CaseFile.objects.get(case=case).needs)


@pytest.mark.django_db
def test_reading_an_encrypted_value_without_a_user_is_an_error(case, demo_users):
    with acting_as(demo_users[A]):
        file = CaseFile.objects.get(case=case)
    enter(None)
    with pytest.raises(NotDecryptable, match="nobody"):
        print(file.narrative)


@pytest.mark.django_db
def test_without_a_user_no_data_key_is_returned(case, demo_users):
    with acting_as(demo_users[A]):
        assert len(_raw("SELECT * FROM access.data_keys_of(%s::uuid[])", [str(case.pk)])) == 1
    enter(None)
    assert _raw("SELECT * FROM access.data_keys_of(%s::uuid[])", [str(case.pk)]) == []


@pytest.mark.django_db
def test_a_lookup_on_an_encrypted_field_is_an_error(case, demo_users):
    with acting_as(demo_users[A]):
        for lookup in (
            {"narrative__contains": WORD},
            {"narrative__icontains": WORD},
            {"narrative__in": [WORD]},
        ):
            with pytest.raises((FieldError, TypeError)):
                list(CaseFile.objects.filter(**lookup))
        with pytest.raises(TypeError, match="encrypted"):
            list(CaseFile.objects.filter(narrative=WORD))
        with pytest.raises(TypeError, match="encrypted"), transaction.atomic():
            CaseFile.objects.filter(case=case).update(narrative="In clear")
        with pytest.raises(TypeError, match="read from its row"):
            str(CaseFile.objects.filter(case=case).values_list("narrative")[0][0])


@pytest.mark.django_db
def test_many_rows_of_many_beneficiaries_are_decrypted_with_one_query(demo_users, django_assert_num_queries):
    with acting_as(demo_users[A]):
        for _ in range(3):
            factories.a_case(demo_users[A])
    with acting_as(demo_users[A]):
        files = list(CaseFile.objects.all())
        with django_assert_num_queries(1):
            assert len({file.narrative for file in files} - {""}) >= 1


@pytest.mark.parametrize(
    "typed",
    ["9804417009", "980-4417009", "+977 980 441 7009", "+9779804417009", "००", "4417009", "980441700"],
)
@pytest.mark.django_db
def test_a_whole_number_finds_its_beneficiary_in_any_spelling_and_a_part_finds_nobody(
    case, demo_users, typed
):
    with acting_as(demo_users[A]):
        found = case_list(demo_users[A], find=typed)
        assert [row.case_id for row in found] == ([case.pk] if e164s(typed) == ["+9779804417009"] else [])
    with acting_as(demo_users[B]):
        assert not case_list(demo_users[B], find=typed)


@pytest.mark.django_db
def test_an_index_value_is_unreadable_and_differs_by_kind(case, demo_users, settings):
    with acting_as(demo_users[A]):
        ((index,),) = _raw(
            "SELECT phone_index FROM beneficiaries_beneficiary WHERE id = %s", case.beneficiary_id
        )
    assert bytes(index) == encryption.blind("+9779804417009", of="phone")
    assert encryption.blind("+9779804417009", of="passport") != bytes(index)
    settings.FIELD_KEYS = (os.urandom(32),)
    assert encryption.blind("+9779804417009", of="phone") != bytes(index)


@pytest.mark.parametrize("text", ["", "short", "!!!", base64.b64encode(b"x" * 31).decode(), ","])
def test_invalid_encryption_keys_are_refused(text):
    with pytest.raises(ValueError, match="key"):
        keys_from(text)


def test_values_encrypted_with_an_older_key_are_decrypted():
    old, new = os.urandom(32), os.urandom(32)
    encrypted = KeyRing([old]).encrypt(b"word", bound_to="x")
    both = KeyRing([new, old])
    assert both.decrypt(encrypted, bound_to="x") == b"word"
    assert not both.is_newest(encrypted)
    assert both.is_newest(both.encrypt(b"word", bound_to="x"))
    for ring, bound in ((KeyRing([new]), "x"), (both, "y")):
        with pytest.raises(NotDecryptable):
            ring.decrypt(encrypted, bound_to=bound)


def test_the_encryption_key_is_replaced_without_changing_encrypted_values(
    committed, owner, demo_users, settings, monkeypatch
):
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A], details=factories.beneficiary_details(phone=PHONE))
        factories.an_identity_document(case, demo_users[A], number="PA7009123")
        (before,) = _raw("SELECT narrative FROM beneficiaries_casefile WHERE case_id = %s", case.pk)[0]
    fresh, old = base64.b64encode(os.urandom(32)).decode(), os.environ["FIELD_KEYS"]
    monkeypatch.setenv("FIELD_KEYS", f"{fresh},{old}")
    settings.FIELD_KEYS = keys_from(f"{fresh},{old}")
    with acting_as(demo_users[A]):
        assert case_list(demo_users[A], find="9804417009")
    owner.execute("SELECT count(*) FROM core_datakey")
    (count,) = owner.fetchone()
    owner.execute(
        "SELECT (SELECT count(*) FROM beneficiaries_beneficiary WHERE phone_index IS NOT NULL)"
        " + count(*) FROM beneficiaries_identitydocument WHERE number_index IS NOT NULL"
    )
    (numbers,) = owner.fetchone()
    printed = databases.manage(committed, "rewrap_keys").stdout
    assert printed == f"keys {count} rewrapped {count} others {numbers}\n"
    monkeypatch.setenv("FIELD_KEYS", fresh)
    settings.FIELD_KEYS = keys_from(fresh)
    with acting_as(demo_users[A]):
        assert CaseFile.objects.get(case=case).narrative == "Was not paid for a year."
        for number in ("9804417009", "PA 7009123"):
            assert [row.case_id for row in case_list(demo_users[A], find=number)] == [case.pk]
        (after,) = _raw("SELECT narrative FROM beneficiaries_casefile WHERE case_id = %s", case.pk)[0]
    assert bytes(before) == bytes(after)
    assert databases.manage(committed, "rewrap_keys").stdout == f"keys {count} rewrapped 0 others 0\n"


def test_a_missing_encryption_key_stops_the_start_with_one_line(committed):
    environment = {**databases.environment(committed), "FIELD_KEYS": ""}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        env=environment,
        cwd=databases.ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("FIELD_KEYS is missing: ")
    assert done.stderr.count("\n") == 1


def test_a_data_key_made_in_a_rolled_back_savepoint_is_not_used(committed, demo_users):
    """What is written later must be readable: the data key is made again, and is stored."""
    case_id = uuid4()
    with acting_as(demo_users[A]):
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            data_keys.encrypt_for(case_id, b"undone", bound_to="x")
            raise ZeroDivisionError
        encrypted = data_keys.encrypt_for(case_id, b"first", bound_to="x")
        with transaction.atomic():
            again = data_keys.encrypt_for(case_id, b"second", bound_to="x")
    with acting_as(demo_users[A]):
        assert [data_keys.decrypt_for(value, bound_to="x") for value in (encrypted, again)] == [
            b"first",
            b"second",
        ]


def test_a_data_key_is_made_once_when_two_write_at_once(committed, owner, demo_users):
    subject = uuid4()

    def encrypt(number: int) -> bytes:
        try:
            with acting_as(demo_users[A]):
                return data_keys.encrypt_for(subject, f"{number}".encode(), bound_to="x")
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        encrypted = list(pool.map(encrypt, range(20)))
    owner.execute("SELECT count(*) FROM core_datakey WHERE subject_id = %s", [str(subject)])
    assert owner.fetchone() == (1,)
    with acting_as(demo_users[A]):
        assert [data_keys.decrypt_for(value, bound_to="x") for value in encrypted] == [
            b"%d" % number for number in range(20)
        ]
