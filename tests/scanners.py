"""A virus scanner that speaks clamd's protocol on its own port and knows one virus: EICAR's harmless test
file.

`make soak scanner` asks Debian's own clamd the same questions.
"""

import socket
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from tests.uploaded_files import EICAR


def _received(connection: socket.socket, count: int) -> bytes:
    got = b""
    while len(got) < count:
        more = connection.recv(count - len(got))
        if not more:
            raise ConnectionError
        got += more
    return got


def _file(connection: socket.socket) -> bytes:
    assert _received(connection, 10) == b"zINSTREAM\0"
    data = b""
    while length := struct.unpack("!I", _received(connection, 4))[0]:
        data += _received(connection, length)
    return data


def _is_harmful(data: bytes) -> bool:
    """Whether the virus is in the data, or in a compressed stream of a PDF, which clamd unpacks too."""
    packed = (part.lstrip(b"\r\n") for part in data.split(b"stream")[1:])
    return EICAR in data or any(EICAR in _unpacked(part) for part in packed)


def _unpacked(part: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(part)
    except zlib.error:
        return b""


@contextmanager
def listening(answer: bytes | None = None) -> Iterator[str]:
    """Run a scanner and yield its address; it gives `answer` to everything, where one is given."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                connection, _address = server.accept()
                with connection:
                    try:
                        data = _file(connection)
                    except (ConnectionError, AssertionError):
                        continue
                    said = b"stream: Eicar-Test-Signature FOUND\0" if _is_harmful(data) else b"stream: OK\0"
                    connection.sendall(said if answer is None else answer)

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
    """Return an address on which nothing answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"
