"""Malware scanning with clamd at `SCANNER`, by its INSTREAM command.

Written here because the client libraries are GPL or unmaintained.
"""

import socket
import struct

from django.conf import settings

SECONDS = 20
PIECE = 1 << 16


class ScannerDown(Exception):
    """The scanner didn't answer, or its answer doesn't say whether it found malware."""


def is_configured() -> bool:
    """Return whether this site has a scanner."""
    return bool(settings.SCANNER)


def finds_malware(data: bytes) -> bool:
    """Return whether the scanner finds malware in the file. Raises ScannerDown."""
    host, _colon, port = settings.SCANNER.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=SECONDS) as connection:
            connection.sendall(b"zINSTREAM\0")
            for start in range(0, len(data), PIECE):
                piece = data[start : start + PIECE]
                connection.sendall(struct.pack("!I", len(piece)) + piece)
            connection.sendall(struct.pack("!I", 0))
            answer = b""
            while not answer.endswith(b"\0") and (more := connection.recv(4096)):
                answer += more
    except (OSError, ValueError) as error:
        raise ScannerDown(type(error).__name__) from error
    if answer == b"stream: OK\0":
        return False
    if answer.startswith(b"stream: ") and answer.endswith(b" FOUND\0"):
        return True
    raise ScannerDown("unexpected answer")
