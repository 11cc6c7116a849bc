"""Amounts and counts as people type them, and one way of showing an amount."""

from datetime import date
from decimal import Decimal

import pytest
from django.apps import apps
from django.forms import DecimalField, IntegerField
from django.utils import translation

from core.context import acting_as
from core.forms import AmountField, CountField
from core.numerals import NotANumber, amount_of, count_of, shown_amount
from reintegration.models import Grant
from tests import factories
from tests.api.program import Program, fields_of
from tests.forms import every_form
from tests.pages import submit, text_of

A = "ngo_a_caseworker"

GOOD = {
    "60000": "60000",
    " 60000 ": "60000",
    "60000.5": "60000.50",
    "60000.50": "60000.50",
    "0.05": "0.05",
    "60,000": "60000",
    "1,00,000": "100000",
    "100,000": "100000",
    "12,34,567.89": "1234567.89",
    "1,234,567.89": "1234567.89",
    "६००००.५": "60000.50",
    "१,००,०००": "100000",
    "६0०00": "60000",
}
BAD = {
    "1e4": "Write the amount in digits",
    "१e४": "Write the amount in digits",
    "NaN": "Write the amount in digits",
    "Infinity": "Write the amount in digits",
    "-Infinity": "Write the amount in digits",
    "many": "Write the amount in digits",
    "60 000": "Write the amount in digits",
    "6,00": "Write the amount in digits",
    "1,5": "Write the amount in digits",
    "1,00,00": "Write the amount in digits",
    "1_000": "Write the amount in digits",
    "0x10": "Write the amount in digits",
    "٦٠٠٠٠": "Write the amount in digits",
    "60000.": "Write the amount in digits",
    ".5": "Write the amount in digits",
    "१२३abc": "Write the amount in digits",
    "-5": "can’t be below 0",
    "-५": "can’t be below 0",
    "60000.505": "at most two digits after the point",
    "9" * 11: "too large",
    "9" * 400: "too large",
}


@pytest.mark.parametrize(("typed", "amount"), GOOD.items())
def test_an_amount_is_read_in_either_script_with_and_without_grouping(typed, amount):
    assert amount_of(typed) == Decimal(amount)


@pytest.mark.parametrize(("typed", "message"), BAD.items())
def test_an_invalid_amount_is_refused_in_words(typed, message):
    with pytest.raises(NotANumber, match=message):
        amount_of(typed)


@pytest.mark.parametrize(("typed", "count"), [("12", 12), ("१२", 12), ("1,000", 1000), (" ३ ", 3)])
def test_a_count_is_read_in_either_script(typed, count):
    assert count_of(typed) == count


@pytest.mark.parametrize("typed", ["1.5", "-1", "1e2", "NaN", "two", "९" * 40])
def test_an_invalid_count_is_refused_in_words(typed):
    with pytest.raises(NotANumber):
        count_of(typed)


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (Decimal("0"), "0"),
        (Decimal("60000"), "60,000"),
        (Decimal("60000.5"), "60,000.50"),
        (Decimal("100000.00"), "1,00,000"),
        (Decimal("1234567.89"), "12,34,567.89"),
        (Decimal("-29000"), "-29,000"),
    ],
)
@pytest.mark.parametrize("language", ["en", "ne"])
def test_an_amount_is_shown_in_one_script_grouped_by_lakh_and_never_rounded(amount, shown, language):
    with translation.override(language):
        assert shown_amount(amount) == shown


def test_every_number_in_every_form_uses_these_fields():
    others = [
        f"{form.__module__}.{form.__qualname__}.{name}"
        for form in every_form()
        for name, field in form.base_fields.items()
        if isinstance(field, DecimalField | IntegerField)
        and not isinstance(field, AmountField | CountField)
        and not field.widget.is_hidden
    ]
    assert others == []


def test_no_template_and_no_code_formats_an_amount_itself():
    """Amounts are shown one way only: a filter of Django's would show another amount."""
    from tests.repository.test_habits import ROOT, sources

    texts = {path: path.read_text(encoding="utf-8") for path in (ROOT / "templates").rglob("*.html")}
    texts |= {path: path.read_text(encoding="utf-8") for path in sources()}
    assert [str(path) for path, text in texts.items() if 'floatformat:"0' in text or ":,.0f" in text] == []


@pytest.fixture
def plan(demo_users):
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A])
        found = factories.planned(case, demo_users[A])
    found.case = case
    return found


def _asked(plan, demo_users) -> Decimal:
    with acting_as(demo_users[A]):
        return Grant.objects.visible_to(demo_users[A]).get(plan=plan).amount_npr


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "ne"])
def test_paisa_typed_in_nepali_digits_are_one_amount_on_every_page(sign_in, demo_users, plan, language):
    client = sign_in(A)
    client.cookies["django_language"] = language
    address = f"/cases/{plan.case.reference}/plans/{plan.pk}/grant/"
    answer = submit(client, address, {"amount_npr": "६००००.५", **factories.asks_for(plan)})
    assert _asked(plan, demo_users) == Decimal("60000.50"), text_of(answer)
    with acting_as(demo_users[A]):
        grant = Grant.objects.visible_to(demo_users[A]).get(plan=plan)
    for page in (f"/cases/{plan.case.reference}/", "/grants/", f"/grants/{grant.pk}/"):
        shown = text_of(client.get(page))
        assert "60,000.50" in shown, page
        assert "60,001" not in shown, page


@pytest.mark.django_db
@pytest.mark.parametrize(("typed", "message"), BAD.items())
def test_an_invalid_amount_is_shown_again_with_a_message_and_nothing_is_written(
    sign_in, demo_users, plan, typed, message
):
    address = f"/cases/{plan.case.reference}/plans/{plan.pk}/grant/"
    page = text_of(submit(sign_in(A), address, {"amount_npr": typed, **factories.asks_for(plan)}))
    assert message in page
    assert f'value="{typed}"' in page
    with acting_as(demo_users[A]):
        assert not Grant.objects.visible_to(demo_users[A]).filter(plan=plan).exists()


@pytest.mark.django_db
@pytest.mark.parametrize(("typed", "message"), BAD.items())
def test_the_api_refuses_an_invalid_amount_in_the_same_words(demo_users, plan, typed, message):
    answer = Program(demo_users[A]).post("grants/", {"plan": str(plan.pk), "amount_npr": typed})
    assert answer.status_code == 400
    messages = {error["field"]: error["message"] for error in answer.json()["errors"]}
    assert message in messages["amount_npr"]


@pytest.mark.django_db
@pytest.mark.parametrize("sent", ["१,००,०००.५", 100000.5, "100000.50"])
def test_the_api_accepts_what_a_page_accepts(demo_users, plan, sent):
    """Above the ceiling of this programme: the operation was called, and names the ceiling in lakh."""
    body = {"plan": str(plan.pk), "amount_npr": sent} | {
        name: str(value) for name, value in factories.asks_for(plan).items()
    }
    answer = Program(demo_users[A]).post("grants/", body)
    assert "NPR 65,000." in answer.json()["errors"][0]["message"]


@pytest.mark.django_db
@pytest.mark.parametrize("sent", [True, None, [], {}, ""])
def test_the_api_refuses_values_that_are_no_numbers(demo_users, plan, sent):
    answer = Program(demo_users[A]).post("grants/", {"plan": str(plan.pk), "amount_npr": sent})
    assert "amount_npr" in fields_of(answer)


@pytest.mark.django_db
def test_an_instalment_in_paisa_adds_up(sign_in, demo_users, plan):
    with acting_as(demo_users[A]):
        grant = factories.requested(plan, demo_users[A], Decimal("60000.50"))
    factories.approved(grant, demo_users)
    client = sign_in("iom_finance")
    today = date.today().isoformat()
    for typed, left in (("२०,०००.२५", "40,000.25"), ("40000.25", "")):
        page = text_of(
            submit(
                client,
                f"/grants/{grant.pk}/",
                {"amount_npr": typed, "voucher": "V-1", "paid_on": today},
                action="/pay/",
            )
        )
        assert left in page
    with acting_as(demo_users["iom_finance"]):
        grant.refresh_from_db()
    assert grant.state == "paid"


@pytest.mark.django_db
def test_a_case_is_found_by_a_reference_typed_in_nepali_digits(sign_in, demo_users):
    with acting_as(demo_users[A]):
        case = factories.a_case(demo_users[A])
    typed = case.reference.translate(str.maketrans("123456789", "१२३४५६७८९"))
    assert case.reference in text_of(sign_in(A).get("/cases/", {"find": typed}))


@pytest.mark.django_db
def test_a_district_is_found_by_its_code_in_nepali_digits(demo_users):
    from tests.api.program import opening

    body = opening(organisation=str(factories.organisation("NGO_A").pk))
    body["beneficiary"]["home_district"] = "३०२"
    answer = Program(demo_users[A]).post("cases/", body)
    assert answer.status_code == 201, answer.content


def test_every_amount_of_every_model_has_two_decimal_places():
    places = {
        field.decimal_places
        for app in ("projects", "reintegration")
        for model in apps.get_app_config(app).get_models()
        for field in model._meta.get_fields()
        if getattr(field, "decimal_places", None) is not None
    }
    assert places == {2}
