"""A connection byte by byte, for clients that no library would be."""

import socket
import time
from types import TracebackType
from typing import Self

import httpx

from tests.support.processes import Server


class Wire:
    """One connection to a server; `window` bytes are all that may be on their way to us."""

    def __init__(self, server: Server, *, window: int | None = None) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if window is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self._socket.settimeout(30)
        self._socket.connect(("127.0.0.1", server.port))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._socket.close()

    def request(
        self, method: str, path: str, body: bytes = b"", *, length: int | None = None
    ) -> None:
        """Send a request; `length` is what it says of its body, whatever comes."""
        head = [f"{method} {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json"]
        if body or length is not None:
            head.append(f"Content-Length: {len(body) if length is None else length}")
        self.send("\r\n".join([*head, "", ""]).encode() + body)

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def trickle(self, data: bytes, pause: float) -> int:
        """Send byte by byte, until the other side has had enough; give how many it took."""
        for position in range(len(data)):
            try:
                self.send(data[position : position + 1])
            except ConnectionError:
                return position
            time.sleep(pause)
        return len(data)

    def receive(self, most: int = 65_536) -> bytes:
        """What there is; nothing where the other side has ended it."""
        try:
            return self._socket.recv(most)
        except ConnectionError:
            return b""

    def until(self, what: bytes) -> bytes:
        """All up to and with what is looked for; it has to come."""
        found = b""
        while what not in found:
            more = self.receive()
            assert more, f"it ended after {found!r}"
            found += more
        return found

    def rest(self) -> bytes:
        """All that comes until the other side ends it."""
        return b"".join(iter(self.receive, b""))

    def answer(self) -> httpx.Response:
        """The one answer that comes, to its end."""
        return response(self.rest())


def response(raw: bytes) -> httpx.Response:
    """An answer as it was sent, without a chunked body."""
    head, _, body = raw.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = [tuple(line.split(": ", 1)) for line in lines]
    return httpx.Response(
        int(status.split()[1]), headers=[(n, v) for n, v in headers], content=body
    )
