"""What an ASGI server passes in and takes back: scopes, messages, whole answers."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any, NamedTuple, TypeAlias

AsgiScope: TypeAlias = MutableMapping[str, Any]
Head: TypeAlias = Mapping[str, Any]
"""A scope of which only the head is read."""
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Headers: TypeAlias = list[tuple[bytes, bytes]]


class Answer(NamedTuple):
    """All of an answer: `head` has its headers as they are sent, each with the end of its line."""

    status: int
    head: bytes
    body: bytes

    def messages(self) -> tuple[Message, Message]:
        """The two messages of it."""
        lines = self.head.split(b"\r\n")[:-1]
        headers = [(name, value) for name, _, value in (line.partition(b": ") for line in lines)]
        start = {"type": "http.response.start", "status": self.status, "headers": headers}
        return start, {"type": "http.response.body", "body": self.body}


def in_lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Headers as they are sent."""
    return b"".join(b"%b: %b\r\n" % header for header in headers)


def fields(scope: Head, name: bytes) -> list[str]:
    """All values of a header, whose name is given in lower case."""
    return [value.decode("latin-1") for of, value in scope["headers"] if of == name]


def field(scope: Head, name: bytes) -> str | None:
    """The first value of a header; None without one."""
    for of, value in scope["headers"]:
        if of == name:
            text: str = value.decode("latin-1")
            return text
    return None


def body_size(scope: Head) -> int | None:
    """How long the body is said to be, 0 for none; None for one that says no length."""
    size = 0
    for name, value in scope["headers"]:
        if name == b"transfer-encoding":
            return None
        if name == b"content-length":
            size = int(value)
    return size


def has_body(scope: Head) -> bool:
    """Whether a request says that there is more than its head."""
    for name, value in scope["headers"]:
        if name == b"transfer-encoding" or (name == b"content-length" and value != b"0"):
            return True
    return False
