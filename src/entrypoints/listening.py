"""Where a server listens, and how it stops to without cutting off who has just connected."""

import ctypes
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from profilecore.entrypoints.settings import Settings
from profilecore.errors import Unavailable

_ATTACH_FILTER: Final = 26  # SO_ATTACH_FILTER of <asm-generic/socket.h>
_SYN: Final = 0x02
# What bpf(4) calls instructions: operation, two jumps, operand. Source: <linux/bpf_common.h>.
_NO_SYN: Final = (
    (0x30, 0, 0, 13),  # the flags of the TCP header
    (0x54, 0, 0, _SYN),
    (0x15, 0, 1, _SYN),  # is it one that asks for a connection?
    (0x06, 0, 0, 0),  # then none of its bytes,
    (0x06, 0, 0, 0xFFFFFFFF),  # and else all of them
)


def listen(settings: Settings) -> Iterator[socket.socket]:
    """A socket for each port that the settings name; Unavailable where one is taken."""
    yield _listen(settings.server_host, settings.server_port)
    if settings.ops_port is not None:
        yield _listen(settings.server_host, settings.ops_port, "OPS_PORT")


def url_of(listener: socket.socket, host: str) -> str:
    """Where a browser on this machine finds it."""
    port = listener.getsockname()[1]
    name = {"127.0.0.1": "localhost", "0.0.0.0": "localhost", "::1": "localhost"}.get(host, host)  # noqa: S104
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def admit_nobody_else(listener: socket.socket) -> None:
    """Have whoever asks to connect from now on not be heard; who is half connected still is.

    A listener that closes resets those whom nobody has accepted yet, and to a proxy that is a
    request which may have been done. Who is not heard asks again, a second later, and is refused by
    the port that is closed by then: a proxy goes on to another server. Only Linux can do this.
    """
    if sys.platform != "linux":
        return
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in _NO_SYN))
    with suppress(OSError):  # then such a client is reset, as anywhere else
        listener.setsockopt(
            socket.SOL_SOCKET,
            _ATTACH_FILTER,
            struct.pack("HP", len(_NO_SYN), ctypes.addressof(program)),
        )


def _listen(host: str, port: int, name: str = "SERVER_PORT") -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        detail = (
            f"Cannot listen on {host} port {port}: {error.strerror or error}. "
            f"Set SERVER_HOST and {name} to what is free."
        )
        raise Unavailable(detail) from error
