"""`docker-compose.yml` can't run here, so it is compared with the settings that read its variables."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from django.conf import settings
from django.urls import resolve

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
SITE = ("web", "worker", "beat")
APPLICATION = (*SITE, "migrate")


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    return yaml.safe_load(TEXT)["services"]


@pytest.mark.parametrize("name", APPLICATION)
def test_every_variable_is_one_that_the_settings_read(services: dict, name: str) -> None:
    assert set(services[name]["environment"]) - set(settings.ENVIRONMENT) == set()


@pytest.mark.parametrize("name", APPLICATION)
def test_every_required_variable_is_set(services: dict, name: str) -> None:
    assert set(settings.REQUIRED) - set(services[name]["environment"]) == set()


def test_only_migrate_gets_the_owners_address_and_none_the_superusers(services: dict) -> None:
    holders = {name for name, service in services.items() if "MIGRATION_DATABASE_URL" in str(service)}
    assert holders == {"migrate"}
    assert {name for name in services if "SUPERUSER_PASSWORD" in str(services[name])} == {"database"}
    assert {name for name in services if "OWNER_PASSWORD" in str(services[name])} == {"database", "migrate"}


def test_addresses_name_the_roles_and_services_that_exist(services: dict) -> None:
    roles = (ROOT / "core/sql/roles.sql").read_text(encoding="utf-8")
    for name in APPLICATION:
        for variable in ("DATABASE_URL", "MIGRATION_DATABASE_URL", "REDIS_URL"):
            if variable not in services[name]["environment"]:
                continue
            address = urlsplit(re.sub(r"\$\{[^}]*\}", "secret", services[name]["environment"][variable]))
            assert address.hostname in services, variable
            if address.scheme == "postgres":
                assert f"ALTER ROLE {address.username} LOGIN" in roles
                assert f"CREATE DATABASE {address.path[1:]} " in roles


def test_the_database_makes_its_roles_from_the_same_file_and_variables(services: dict) -> None:
    mounts = [volume.split(":") for volume in services["database"]["volumes"]]
    sources = [source for source, target, *_ in mounts if target.startswith("/docker-entrypoint-initdb.d/")]
    assert sources == ["./core/sql/roles.sql"]
    wanted = set(re.findall(r"\\getenv \w+ (\w+)", (ROOT / sources[0]).read_text(encoding="utf-8")))
    assert wanted == {"OWNER_PASSWORD", "APP_PASSWORD"}
    assert wanted <= set(services["database"]["environment"])


def test_commands_start_this_project(services: dict) -> None:
    web = services["web"]["command"].split()
    module = web[web.index("gunicorn") + 1]
    assert f"{module}.application" == settings.WSGI_APPLICATION
    for name in ("worker", "beat"):
        words = services[name]["command"].split()
        assert (ROOT / words[words.index("-A") + 1] / "celery.py").exists()
        assert words[words.index("-A") + 2] == name


def test_the_web_healthcheck_asks_an_address_that_exists(services: dict) -> None:
    asked = re.search(r'"GET", "(/\w+)"', str(services["web"]["healthcheck"]))
    assert asked is not None
    assert asked[1] == "/readyz"
    assert resolve(asked[1]).func is not None


def test_only_the_proxy_publishes_ports_and_every_long_lived_service_has_a_healthcheck(
    services: dict,
) -> None:
    assert {name for name, service in services.items() if "ports" in service} == {"proxy"}
    assert {name for name, service in services.items() if "healthcheck" not in service} == {"migrate"}


def test_nothing_of_the_site_starts_before_the_migrations(services: dict) -> None:
    for name in SITE:
        assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_the_header_explains_every_value_of_the_env_file() -> None:
    used = set(re.findall(r"\$\{(\w+)", TEXT))
    explained = set(re.findall(r"^#   ([A-Z_]+) ", TEXT, flags=re.MULTILINE))
    assert used == explained
    assert all(f"${{{name}:?" in TEXT for name in used), "a missing value must stop docker compose"


def test_no_secret_is_in_the_file() -> None:
    assert re.findall(r"(?:PASSWORD|SECRET_KEY): (?!\$\{)", TEXT) == []


def test_the_image_has_the_databases_own_client(services: dict) -> None:
    """An older pg_dump refuses a newer server."""
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    (client,) = re.findall(r"postgresql-client-(\d+)", image)
    assert services["database"]["image"] == f"postgres:{client}"
