"""Debian's own clamd with one signature of ours, called by core/scanner.py as the site does."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from soak.report import Failed, say

INSTALL = "there is no clamd here: apt-get install clamav-daemon"
SECONDS = 60
CONFIGURATION = """
Foreground yes
TCPAddr 127.0.0.1
TCPSocket {port}
DatabaseDirectory {folder}/signatures
TemporaryDirectory {folder}
LogFile {folder}/log
StreamMaxLength 25M
MaxScanSize 100M
MaxFileSize 25M
ConcurrentDatabaseReload no
"""


@contextmanager
def clamd(eicar: bytes) -> Iterator[str]:
    """Run a clamd that knows this one string, anywhere in a file; yield its address."""
    program = shutil.which("clamd") or shutil.which("clamd", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise Failed(INSTALL)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "signatures").mkdir()
        (folder / "signatures" / "ours.ndb").write_text(f"Eicar-Anywhere:0:*:{eicar.hex()}\n")
        (folder / "conf").write_text(CONFIGURATION.format(port=port, folder=folder))
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
        argv = [program, f"--config-file={folder / 'conf'}"]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as server:
            try:
                _wait(server, port)
                yield f"127.0.0.1:{port}"
            finally:
                server.terminate()
                server.wait(30)


def _wait(server: subprocess.Popen, port: int) -> None:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.2)
    said = (
        server.stdout.read().decode(errors="replace") if server.poll() is not None and server.stdout else ""
    )
    raise Failed(f"clamd did not start: {said.strip()[-300:]}")


def run() -> tuple[str, bool]:
    """Scan files of both kinds as uploaded and as stored, and one with clamd stopped."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "iom_cases.settings")
    django.setup()
    from django.conf import settings

    from core import scanner, uploads
    from tests import uploaded_files

    harmless = [
        uploaded_files.photo(),
        uploaded_files.photo("WEBP"),
        uploaded_files.pdf(),
        uploaded_files.acting_pdf(),
    ]
    harmless += [uploads.clean_upload(data).data for data in harmless] + [os.urandom(uploads.LARGEST)]
    harmful = [
        uploaded_files.EICAR,
        uploaded_files.photo() + uploaded_files.EICAR,
        uploaded_files.harmful_pdf(),
    ]
    harmful += [
        uploads.clean_upload(uploaded_files.harmful_pdf()).data,
        bytes(uploads.LARGEST - 68) + uploaded_files.EICAR,
    ]
    wrong = 0
    with clamd(uploaded_files.EICAR) as settings.SCANNER:
        for expected, files in ((False, harmless), (True, harmful)):
            for number, data in enumerate(files):
                if scanner.finds_malware(data) is not expected:
                    wrong += 1
                    say(
                        f"  {'harmful' if expected else 'harmless'} file {number}, {len(data)} bytes: answered wrongly"
                    )
    try:
        scanner.finds_malware(uploaded_files.EICAR)
        wrong += 1
        say("  clamd was stopped, and something answered")
    except scanner.ScannerDown:
        pass
    return f"scanner files {len(harmless) + len(harmful)} wrong {wrong}", wrong == 0
