"""Asking clamd whether a file does harm. Its address is `SCANNER`.

The protocol's INSTREAM, in a few lines of our own: the client libraries are GPL or long left alone.
"""

import socket
import struct

from django.conf import settings

SECONDS = 20
PIECE = 1 << 16


class ScannerDown(Exception):
    """No answer, or none that says whether the file does harm."""


def is_configured() -> bool:
    """Whether this site has a scanner at all."""
    return bool(settings.SCANNER)


def finds_malware(data: bytes) -> bool:
    """What the scanner says of a file. Raises `ScannerDown` where it says nothing: then nobody knows."""
    host, _colon, port = settings.SCANNER.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=SECONDS) as line:
            line.sendall(b"zINSTREAM\0")
            for start in range(0, len(data), PIECE):
                piece = data[start : start + PIECE]
                line.sendall(struct.pack("!I", len(piece)) + piece)
            line.sendall(struct.pack("!I", 0))
            said = b""
            while not said.endswith(b"\0") and (more := line.recv(4096)):
                said += more
    except (OSError, ValueError) as error:
        raise ScannerDown(type(error).__name__) from error
    if said == b"stream: OK\0":
        return False
    if said.startswith(b"stream: ") and said.endswith(b" FOUND\0"):
        return True
    raise ScannerDown("an answer that says nothing")
