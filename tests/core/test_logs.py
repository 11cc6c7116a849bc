"""What logs contain of a request: the page and its outcome.

A real gunicorn gets tokens in every address, every search and every one-time link, and every byte that it
writes is searched for them.
"""

import http.client
import logging
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, urlencode
from uuid import uuid4

import pytest
import yaml
from celery import signals
from django.db import connection
from django.http import HttpResponse
from django.utils.log import log_response
from gunicorn.config import Config

from core.context import acting_as
from core.logs import LineFormatter, route_of, without_values
from iom_cases.web_logs import WebLogger
from localstack.supervisor import tie_to_parent
from reintegration.demo import password_of
from tests import databases, factories
from tests.addresses import patterns
from tests.browser.site import free_port

NAME, PHONE, LINK = "Kanariname", "9804417009", "kanarilinktoken"
A = "ngo_a_caseworker"


class BrowserUser:
    """A browser that keeps its cookies and sends a referrer."""

    def __init__(self, port: int) -> None:
        self.port, self.cookies = port, {}

    def ask(
        self, method: str, path: str, form: dict[str, str] | None = None, **headers: str
    ) -> tuple[int, str, str]:
        """Return status, redirect address, and page."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        body = urlencode(form) if form is not None else None
        sent = {
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "Referer": f"http://127.0.0.1:{self.port}/cases/?find={NAME}",
            "User-Agent": f"Browser of {NAME}",
            **({"Content-Type": "application/x-www-form-urlencoded"} if body is not None else {}),
            **headers,
        }
        link.request(method, path, body, sent)
        answer = link.getresponse()
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                key, _is, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        page = answer.read().decode(errors="replace")
        link.close()
        return answer.status, answer.getheader("Location", ""), page

    def send(self, path: str, form: dict[str, str]) -> tuple[int, str, str]:
        """Send a form as its page does."""
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.ask("GET", path)[2])
        return self.ask("POST", path, form | {"csrfmiddlewaretoken": token[1] if token else ""})


@pytest.fixture
def served(committed, tmp_path) -> Iterator[tuple[int, Path]]:
    """Run gunicorn as the site does; yield its port and the file with all its output."""
    port, log = free_port(), tmp_path / "web.log"
    environment = databases.environment(committed)
    del environment["MIGRATION_DATABASE_URL"]
    words = [
        "gunicorn",
        "iom_cases.wsgi",
        "--bind",
        f"127.0.0.1:{port}",
        "--access-logfile",
        "-",
        "--no-control-socket",
    ]
    with log.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", *words, "--log-level", "debug"],
            cwd=databases.ROOT,
            env=environment,
            stdout=said,
            stderr=said,
            preexec_fn=tie_to_parent(signal.SIGTERM),
        )
    end = time.monotonic() + 60
    try:
        while time.monotonic() < end and process.poll() is None:
            with suppress(OSError):
                BrowserUser(port).ask("GET", "/healthz")
                break
            time.sleep(0.1)
        yield port, log
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_no_web_log_contains_a_name_a_number_a_reference_or_a_link(served, demo_users):
    port, log = served
    with acting_as(demo_users[A]):
        case = factories.a_case(
            demo_users[A], details=factories.beneficiary_details(first_name=NAME, phone=PHONE)
        )
    browser_user = BrowserUser(port)
    browser_user.send("/accounts/login/", {"username": A, "password": password_of(A)})
    assert browser_user.ask("GET", "/roles/")[0] == 200
    # A search by its form, and by an address typed by hand.
    for words in (NAME, PHONE, case.reference):
        status, address, _page = browser_user.send("/cases/", {"find": words})
        assert status == 302
        found = browser_user.ask("GET", address)
        assert (found[0], case.reference in found[2]) == (200, True), words
        browser_user.ask("GET", f"/cases/?{urlencode({'find': words})}")
        browser_user.ask("GET", f"/audit/?{urlencode({'username': words})}")
        browser_user.ask("GET", f"/admin/accounts/user/?{urlencode({'q': words})}")
        browser_user.ask("GET", f"/admin/autocomplete/?{urlencode({'term': words})}")
        browser_user.ask("GET", f"/api/v1/cases/?{urlencode({'reference': words})}")
        browser_user.ask("GET", f"/accounts/login/?{urlencode({'next': f'/cases/{words}/'})}")
    # Every address with one of the tokens in each place; a missing page; a malformed request.
    person = uuid4()
    for _name, route in patterns():
        address = "/" + re.sub(
            r"<(\w+:)?\w+>", lambda found: str(person) if found[1] == "uuid:" else LINK, route
        )
        browser_user.ask("GET", address + f"?{NAME}={PHONE}")
        browser_user.ask("POST", address, {"find": NAME, "csrfmiddlewaretoken": "x"})
    for address in (
        f"/cases/{case.reference}/",
        f"/cases/{case.reference}/notes/new/",
        f"/{NAME}/",
        f"/cases/{quote(NAME)}%20{PHONE}/",
        f"/static/{NAME}.css",
        f"//{NAME}/..%2f{PHONE}",
        f"/accounts/invitation/{person}/{LINK}/",
        f"/accounts/password/reset/{LINK}/",
    ):
        browser_user.ask("GET", address)
        browser_user.ask("HEAD", address)
        browser_user.ask("POST", address, {"find": NAME})
    browser_user.ask("GET", "/cases/", Host=f"{NAME}.example")
    browser_user.ask(NAME.upper()[:8], "/cases/")
    for raw in (
        f"GET /cases/?find={NAME} {PHONE} HTTP/1.1\r\nHost: localhost\r\n\r\n",
        f"{NAME} {PHONE}\r\n\r\n",
        f"GET /cases/{case.reference}/ HTTP/{PHONE}\r\nHost: localhost\r\n\r\n",
        f"GET /{NAME}/ HTTP/1.1\r\n{NAME} {PHONE}: 1\r\nHost: localhost\r\n\r\n",
        f"POST http://localhost/cases/{case.reference}/?q={NAME} HTTP/1.1\r\nHost: localhost\r\n\r\n",
        f"GET {NAME} HTTP/1.1\r\nHost: localhost\r\n\r\n",
        f"CONNECT {NAME}:1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        f"GET /{LINK * 600}/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as link:
            link.sendall(raw.encode())
            link.recv(4096)
    with socket.create_connection(("127.0.0.1", port), timeout=20) as link:
        link.sendall(f"GET /{NAME}/ {PHONE}".encode())  # and no more
    for path in (f"/kases/O'{NAME}/", f'/kases/{quote(NAME)}%20%22{PHONE}"/', f"/cases/O'{NAME}/notes/new/"):
        assert browser_user.ask("POST", path, {}, **{"Content-Type": "multipart/form-data"})[0] in (400, 404)
    written = log.read_bytes()
    assert written.count(b"\n") > 300
    for token in (NAME, NAME.upper(), PHONE, case.reference, LINK, str(person), str(case.pk), "find="):
        lines = [line for line in written.splitlines() if token.lower().encode() in line.lower()]
        assert lines == [], token
    # The control: the log shows which pages were requested, and the outcome.
    assert b"POST cases/ 302" in written
    assert b"GET cases/<str:reference>/ 200" in written
    assert re.search(rb"GET accounts/invitation/<uuid:user_id>/<\w+:token>/ 404", written)


UNREADABLE = (
    "GET /cases/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: foo\r\n\r\n",
    "GET /cases/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "GET /cases/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: foo\r\n\r\n",
    "GET /cases/ HTTP/1.1\r\nHost: localhost\r\nExpect: foo\r\n\r\n",
    "GET /cases/ HTTP/1.1\r\nHost: localhost\r\nA b: 1\r\n\r\n",
    "GET /cases/ HTTP/1.1\r\nHost: localhost\r\nSCRIPT_NAME: /x\r\n\r\n",
    "GET /cases/ HTTP/1.1\r\nHost: localhost\r\nSCRIPT-NAME: /x\r\n\r\n",
    "GET /cases/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic x\r\n\r\n",
    "GET /cases/ HTTP/9.9\r\nHost: localhost\r\n\r\n",
    "GET name HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET http://[ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "\r\n\r\n",
)


def test_no_request_stops_a_worker(served):
    port, log = served
    for raw in UNREADABLE:
        with socket.create_connection(("127.0.0.1", port), timeout=20) as link:
            link.sendall(raw.encode())
            assert re.match(rb"HTTP/1.1 [1-5]\d\d ", link.recv(4096)), raw
    assert BrowserUser(port).ask("GET", "/healthz")[0] == 200
    assert log.read_text().count("Booting worker") == 1, "the worker that began is still there"


def line(error: Exception | None, name: str, message: str, *given: object) -> str:
    record = logging.LogRecord(
        name,
        logging.ERROR,
        "",
        1,
        message,
        given,
        (type(error), error, error.__traceback__) if error else None,
    )
    return LineFormatter("%(name)s %(message)s").format(record)


def test_an_error_is_logged_with_its_place_and_without_values():
    def deep() -> None:
        try:
            {"a": 1}[NAME]
        except KeyError as error:
            raise ValueError(f"bad row ({NAME}, {PHONE})\nDETAIL: {NAME}") from error

    try:
        deep()
    except ValueError as error:
        text = line(error, "django.request", "Internal Server Error: %s", f"/cases/SH4K-9TQ-X/?find={NAME}")
    assert "Internal Server Error: %s\n" in text
    assert "KeyError: …" in text
    assert "ValueError: bad row …" in text
    assert "in deep" in text
    assert not {word for word in (NAME, PHONE, "SH4K") if word in text}


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/cases/SH4K-9TQ-X/", "cases/<str:reference>/"),
        (f"/kases/{NAME} Tamang {PHONE}/", "–"),
        (f"/kases/O'{NAME} {PHONE}/", "–"),
        (f'/cases/"{NAME} {PHONE}/"/', "–"),
        (f"/cases/{NAME}\n{PHONE}/", "cases/<str:reference>/"),
        (f"/cases/O'{NAME} {PHONE}/", "cases/<str:reference>/"),
        (f"{NAME} {PHONE}", "–"),
    ],
)
def test_the_address_of_an_error_is_logged_as_its_route_whatever_is_in_it(path, route, rf, caplog):
    caplog.handler.setFormatter(LineFormatter("%(name)s %(message)s"))
    request = rf.get("/")
    request.path = request.path_info = path
    log_response("%s: %s", "Internal Server Error", path, response=HttpResponse(status=500), request=request)
    assert caplog.text == f"django.request Internal Server Error: {route}\n"


@pytest.mark.django_db
@pytest.mark.parametrize("path", [f"/kases/O'{NAME}/", f"/cases/O'{NAME}/notes/new/"])
def test_a_body_that_cannot_be_read_is_no_server_error(sign_in, path):
    client = sign_in(A)
    answer = client.post(path, b"x", content_type="multipart/form-data")
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "request_line",
    [
        f"POST http://localhost/cases/SH4K-9TQ-X/?q={NAME} HTTP/1.1",
        f"POST /cases/SH4K-9TQ-X/?q={NAME} {PHONE} HTTP/1.1",
    ],
)
def test_a_request_line_is_logged_as_its_route(request_line):
    said = line(None, "django.server", '"%s" %s %s', request_line, "500", "9")
    assert said == 'django.server "POST cases/<str:reference>/" 500 9'
    assert line(None, "django.server", "code %d, message %s", 400, NAME) == (
        "django.server code %d, message %s"
    )


def test_the_servers_own_lines_keep_their_address():
    start = "Listening at: http://127.0.0.1:8000 (1)"
    assert line(None, "gunicorn.error", start) == f"gunicorn.error {start}"


@pytest.mark.parametrize(
    "address", [f"/cases/SH4K-9TQ-X/?q={NAME}", f"http://a/cases/SH4K-9TQ-X/?q={NAME}", NAME, f"{NAME}:443"]
)
@pytest.mark.parametrize("method", ["POST", NAME.upper()])
def test_a_request_that_gunicorn_aborts_is_logged_as_its_route(address, method, caplog):
    logger = WebLogger(Config())
    logger.error_log.addHandler(caplog.handler)
    caplog.handler.setFormatter(LineFormatter("%(name)s %(message)s"))
    try:
        raise OSError(f"'{NAME}'")
    except OSError:
        logger.exception("Error handling request %s %s", method, address)
        logger.exception("Error handling request %s", address)
    assert caplog.text.count("Error handling request") == 2
    assert not {word for word in (NAME, NAME.upper(), "SH4K") if word in caplog.text}


@pytest.mark.django_db
def test_input_in_an_address_of_the_admin_is_in_no_log(sign_in, caplog):
    caplog.handler.setFormatter(LineFormatter("%(name)s %(message)s"))
    client = sign_in("administrator")
    for query in (f"_to_field={NAME} Sharma", f"{NAME}={PHONE}", f"username__{NAME}=x"):
        client.get(f"/admin/accounts/user/?{query}")
    client.get("/cases/", headers={"host": f"{NAME}.example"})
    assert "django.security.DisallowedModelAdminToField refused" in caplog.text
    assert "django.security.DisallowedHost refused" in caplog.text
    assert not {word for word in (NAME, NAME.lower(), "Sharma", PHONE) if word in caplog.text}


def test_a_task_that_fails_is_logged_without_values():
    try:
        raise ValueError(f"bad row ({NAME}, {PHONE})")
    except ValueError as error:
        text = line(
            error, "celery.app.trace", "Task %s[%s] raised unexpected: %r", "core.tasks.deliver", "1", error
        )
    assert text.startswith("celery.app.trace Task core.tasks.deliver[1] raised unexpected\n")
    assert not {word for word in (NAME, PHONE) if word in text}


def test_the_worker_uses_the_sites_log_format():
    assert signals.setup_logging.receivers, "else Celery sets up lines of its own"


def test_a_message_keeps_the_names_of_columns_and_constraints():
    said = 'duplicate key value violates unique constraint "accounts_notice_once"\nDETAIL: Key (phone)=(980) exists'
    assert without_values(said) == 'duplicate key value violates unique constraint "accounts_notice_once"'
    assert without_values(f"invalid literal: '{NAME}' of {PHONE}") == "invalid literal: …"
    assert without_values(f"a row (in ({NAME}) and) {PHONE}") == "a row …"


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/", "/"),
        ("/cases/?find=Sita", "cases/"),
        ("/cases/SH4K-9TQ-X/", "cases/<str:reference>/"),
        ("/Sita/", "–"),
        ("/static/Sita.css", "static/…"),
        ("http://localhost:8000/cases/SH4K-9TQ-X/?find=Sita", "cases/<str:reference>/"),
        ("HTTPS://Sita", "–"),
        ("Sita", "–"),
        ("", "–"),
    ],
)
def test_an_address_is_logged_as_its_route(path, shown):
    assert route_of(path) == shown


@pytest.mark.django_db
def test_the_databases_log_contains_no_statement_and_no_row():
    """A statement that fails contains what it would have written, and so does the detail of a constraint
    error.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('log_min_error_statement'), current_setting('log_error_verbosity'), "
            "current_setting('log_statement'), current_setting('log_min_duration_statement')"
        )
        assert cursor.fetchone() == ("panic", "terse", "none", "-1")


def test_the_proxy_logs_no_address():
    caddyfile = yaml.safe_load((databases.ROOT / "docker-compose.yml").read_text(encoding="utf-8"))[
        "configs"
    ]["caddyfile"]["content"]
    assert re.findall(r"request>(\w+) delete", caddyfile) == ["uri", "headers"]
    assert re.findall(r"^\s*log\b.*$", caddyfile, re.MULTILINE) == [
        "  log default {"
    ]  # no access log besides
