"""Ports for servers that tests start."""

import random
import socket

# Below those that Linux gives to connections, 32,768 and up: it takes any that nobody listens on,
# also that of a server which is just about to start, or to start again.
_PORTS = range(12_000, 32_000)
# Not the shared one, which Hypothesis seeds.
_BY_CHANCE = random.SystemRandom()


def free_port() -> int:
    """One of 127.0.0.1 that nobody listens on, and that no other test is given.

    It is held by the name of a socket, which Linux forgets when this process has ended.
    """
    for port in _BY_CHANCE.sample(_PORTS, 1_000):
        holder = socket.socket(socket.AF_UNIX)
        try:
            holder.bind(f"\0profilecore-port-{port}")
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            holder.close()
        else:
            holder.detach()  # open from now on
            return port
    raise RuntimeError(f"All of a thousand ports from {_PORTS} are taken.")
