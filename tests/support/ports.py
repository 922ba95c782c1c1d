"""Ports for servers that tests start."""

import socket


def free_port() -> int:
    """One of 127.0.0.1 that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
