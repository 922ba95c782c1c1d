"""A real pgbouncer in transaction mode, in front of a server."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from profilecore.adapters.postgres import PostgresAddress
from profilecore.adapters.postgres.connecting import connected
from tests.support.ports import free_port
from tests.support.postgres import folder_for_servers, unprivileged

EXECUTABLE = "/usr/sbin/pgbouncer"

_SETTINGS = """\
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = plain
auth_file = {users}
pool_mode = transaction
default_pool_size = 2
logfile = {log}
"""


@contextmanager
def pooled(address: PostgresAddress) -> Iterator[PostgresAddress]:
    """The same database through a pooler that shares two connections between transactions."""
    folder = folder_for_servers()
    through = replace(address, host="127.0.0.1", port=free_port())
    users, file = folder / "users", folder / "pgbouncer.ini"
    users.write_text(f'"{address.user}" "{address.password}"\n')
    file.write_text(
        _SETTINGS.format(
            host=address.host,
            port=address.port,
            listen=through.port,
            users=users,
            log=folder / "log",
        )
    )
    process = subprocess.Popen(
        [*unprivileged(), EXECUTABLE, "--quiet", str(file)], cwd=folder, env=_environment(folder)
    )
    try:
        asyncio.run(_answers(through))
        yield through
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)


def _environment(folder: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(folder)}


async def _answers(address: PostgresAddress) -> None:
    connection = await connected([address], 20)
    await connection.close()
