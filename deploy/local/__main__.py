"""Install and run the whole deployment from Debian's packages, without containers.

Two servers and a worker behind nginx, on PostgreSQL with a replica, Redis and RabbitMQ, with
Varnish and Prometheus: what compose.yaml has, with the same configurations, as processes of this
machine. It stays until Ctrl-C or SIGTERM, and then stops all in order. What it keeps is in one
folder.

    python3 -m deploy.local --install            the packages; as root, once
    python3 -m deploy.local --port 8080          start, and say where
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from deploy.local.process import NotStarted
from deploy.local.stack import Stack

PACKAGES = (
    *("postgresql-15", "redis-server", "rabbitmq-server", "nginx-light", "varnish", "prometheus"),
    "util-linux",
)
SCOPES = (
    *("profiles:read", "profiles:write", "profiles:erase", "tasks:read", "tasks:write", "ops"),
)


def install() -> int:
    """The packages, none of which is to start a server by itself."""
    policy = Path("/usr/sbin/policy-rc.d")
    mine = not policy.exists()
    if mine:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "-q", "update"], env=env, check=True)
        command = ["apt-get", "-q", "-y", "install", "--no-install-recommends", *PACKAGES]
        return subprocess.run(command, env=env, check=False).returncode
    finally:
        if mine:
            policy.unlink()


def main() -> int:
    """Install, or start and wait; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python3 -m deploy.local",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--install", action="store_true", help="install Debian's packages")
    parser.add_argument("--folder", type=Path, default=Path("/var/lib/profilecore-local"))
    parser.add_argument("--port", type=int, help="of nginx; any free one if not given")
    options = parser.parse_args()
    if options.install:
        return install()
    stack = Stack(folder=options.folder.absolute())
    if options.port:
        stack.ports["nginx"] = options.port
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        stack.up()
        _tell(stack)
        while all(process.runs() for process in stack.processes.values()):
            time.sleep(1)
        ended = [name for name, process in stack.processes.items() if not process.runs()]
        print(f"ended by itself: {', '.join(ended)}", file=sys.stderr)
        return 1
    except NotStarted as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # all is stopped, however often it is asked for
        print("stopping", file=sys.stderr)
        stack.down()


def _tell(stack: Stack) -> None:
    token = stack.folder / "token"
    if not token.exists():
        token.touch(mode=0o600)
        token.write_text(stack.token(*SCOPES) + "\n")
    print(f"nginx       {stack.url}")
    print(f"Prometheus  http://127.0.0.1:{stack.ports['prometheus']}")
    print(f"logs        {stack.folder}/*/log.txt")
    print(f"token       {token}, for all scopes", flush=True)


if __name__ == "__main__":
    sys.exit(main())
