"""A virus scanner that speaks clamd's protocol on a port of its own, and knows one virus: EICAR's harmless test file.

`make soak scanner` asks Debian's own clamd the same.
"""

import socket
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from tests.uploaded_files import EICAR


def _received(line: socket.socket, count: int) -> bytes:
    got = b""
    while len(got) < count:
        more = line.recv(count - len(got))
        if not more:
            raise ConnectionError
        got += more
    return got


def _file(line: socket.socket) -> bytes:
    assert _received(line, 10) == b"zINSTREAM\0"
    data = b""
    while length := struct.unpack("!I", _received(line, 4))[0]:
        data += _received(line, length)
    return data


def _is_harmful(data: bytes) -> bool:
    """Whether the virus lies in the data, or in one of a PDF's packed streams, which clamd unpacks too."""
    packed = (part.lstrip(b"\r\n") for part in data.split(b"stream")[1:])
    return EICAR in data or any(EICAR in _unpacked(part) for part in packed)


def _unpacked(part: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(part)
    except zlib.error:
        return b""


@contextmanager
def listening(answer: bytes | None = None) -> Iterator[str]:
    """The address of a scanner; it gives this answer to everything, where one is given."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                line, _who = server.accept()
                with line:
                    try:
                        data = _file(line)
                    except (ConnectionError, AssertionError):
                        continue
                    said = b"stream: Eicar-Test-Signature FOUND\0" if _is_harmful(data) else b"stream: OK\0"
                    line.sendall(said if answer is None else answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        port = server.getsockname()[1]
        try:
            yield f"127.0.0.1:{port}"
        finally:
            over.set()
            socket.create_connection(("127.0.0.1", port)).close()
            thread.join(5)


def nobody_there() -> str:
    """An address on which nothing answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"
