"""Files that were refused are counted, so that nobody keeps the slots in which files are checked."""

import pytest
from django.core.exceptions import ValidationError

from beneficiaries import rules
from core.context import acting_as
from tests import factories, uploaded_files
from tests.beneficiaries import test_documents
from tests.beneficiaries.test_documents import A, B, sent, verbs
from tests.pages import text_of

case = test_documents.case


def _uploaded(demo_users, who: str):
    with acting_as(demo_users[who]):
        case = factories.a_case(demo_users[who], "NGO_B" if who == B else "NGO_A")
        return factories.a_document(case, demo_users[who], data=uploaded_files.photo())


def test_after_refused_files_a_user_waits_before_another_one_is_checked(
    case, demo_users, sign_in, monkeypatch
):
    """Checking a file may take 15 seconds in a slot that all organisations share: nobody takes it again and again."""
    monkeypatch.setattr(rules, "REFUSED_AN_HOUR", 2)
    client, nothing = sign_in(A), b"nothing that anybody can see"
    for _number in range(2):
        assert "This is not a photo" in text_of(sent(client, case, nothing))
    page = text_of(sent(client, case, nothing, title="From the other ward"))
    assert "2 of your files were refused in the last hour" in page
    assert "From the other ward" in page
    assert "This is not a photo" not in page, "it isn't checked"
    assert verbs(case, demo_users).count("file refused") == 2
    with acting_as(demo_users[B]):
        other = factories.a_case(demo_users[B], "NGO_B")
    assert "The file is saved." in text_of(sent(sign_in(B), other, uploaded_files.photo()))


@pytest.mark.parametrize("verb", ["file refused", "harmful file refused"])
def test_refused_files_count_for_an_hour(committed, owner, demo_users, monkeypatch, verb):
    monkeypatch.setattr(rules, "REFUSED_AN_HOUR", 1)
    event = (
        "INSERT INTO core_auditevent (id, actor_id, at, verb, object_type, detail) "
        "VALUES (gen_random_uuid(), %s, now() - %s::interval, %s, '', '{}')"
    )
    for who, ago in ((A, "61 minutes"), (B, "59 minutes")):
        owner.execute(event, [demo_users[who].pk, ago, verb])
    assert _uploaded(demo_users, A).state == "unchecked"
    with pytest.raises(ValidationError, match="1 of your files were refused in the last hour"):
        _uploaded(demo_users, B)
