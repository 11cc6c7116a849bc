"""The schema of the API, and the page made from it."""

import json

import pytest
from django.urls import reverse
from drf_spectacular.validation import validate_schema
from rest_framework import serializers

from api.resources import RESOURCES
from api.schema import document
from tests.api.program import KINDS, LOG, ROOT, A
from tests.repository.test_look import inline_in

pytestmark = pytest.mark.django_db


def test_the_schema_is_valid_and_lists_every_address():
    made = document()
    validate_schema(made)
    paths = {path.removeprefix(ROOT).split("/")[0] for path in made["paths"]}
    assert paths == set(KINDS) | {""}
    for path, item in made["paths"].items():
        for method, operation in item.items():
            codes = set(operation["responses"])
            assert {"401", "405", "406"} <= codes, (method, path)
            if method == "post":
                assert {"400", "403", "409", "413", "415"} <= codes, path
            if "{" in path:
                assert "404" in codes, path
            for code in codes - {"200", "201", "204", "414", "431"}:
                assert list(operation["responses"][code]["content"]) == ["application/problem+json"]


def test_the_served_schema_is_the_generated_one(client):
    assert client.get(f"{ROOT}schema/").json() == json.loads(json.dumps(document(), default=str))
    assert client.post(f"{ROOT}schema/").status_code == 405


def test_every_answer_follows_the_schema(program, whole_case):
    """Each field of each row, and no other."""
    made = document()["components"]["schemas"]
    for path, kind in KINDS.items():
        name = kind.serializer_class.__name__.removesuffix("Serializer")
        rows = program("auditor" if path in LOG else A).get(f"{path}/").json()["results"]
        assert rows, path
        assert set(rows[0]) == set(made[name]["properties"]), path


def test_editable_rows_show_their_version(program, whole_case):
    for path in ("cases", "beneficiaries", "plans", "grants", "follow-ups"):
        assert program(A).get(f"{path}/").json()["results"][0]["version"] >= 1


def test_the_documentation_page_is_public_and_has_nothing_inline(client):
    response = client.get(reverse("api:docs"))
    page = response.content.decode()
    assert inline_in(page) == []
    assert "https://" not in page
    for path in document()["paths"]:
        assert path in page
    policy = response["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


def test_every_serializer_names_its_fields():
    """Each names its fields: a new column of a model isn't shown by itself."""
    for kind in RESOURCES:
        meta = kind.serializer_class.Meta
        assert isinstance(meta.fields, list)
        assert meta.read_only_fields == meta.fields
        assert issubclass(kind.serializer_class, serializers.ModelSerializer)
