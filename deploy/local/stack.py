"""All servers of a deployment, in the order in which they need one another."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from deploy import make_secrets
from deploy.local import engines
from deploy.local.engines import DEPLOY
from deploy.local.process import Process, adapted, connects, free_port, is_good, own, run

# Whoever reads a secret; all others are the service's.
_READERS = {
    "db_superuser": "postgres",
    "db_owner": "postgres",
    "db_service": "postgres",
    "db_replicator": "postgres",
    "redis_users.acl": "redis",
}
_SERVERS = ("server-1", "server-2")
_PORTS = (
    *("postgres-primary", "postgres-secondary", "redis", "rabbitmq", "varnish", "nginx"),
    *("prometheus", "worker", "worker-ops"),
    *(name for server in _SERVERS for name in (server, f"{server}-ops")),
)


_TEMPORARY = ("client_body_temp", "proxy_temp", "fastcgi_temp", "uwsgi_temp", "scgi_temp")


def _ports() -> dict[str, int]:
    """A free port for each; they are not the same, as all are held until the last is found."""
    found = [free_port() for _ in _PORTS]
    return dict(zip(_PORTS, found, strict=True)) if len(set(found)) == len(found) else _ports()


def command_of_profilecore() -> str:
    """The command: that of the Python that runs this, or else the one on the PATH."""
    beside = Path(sys.executable).with_name("profilecore")
    return str(beside) if beside.exists() else str(shutil.which("profilecore") or "profilecore")


@dataclass(kw_only=True)
class Stack:
    """Everything in `folder`, on ports of 127.0.0.1."""

    folder: Path
    profilecore: str = field(default_factory=command_of_profilecore)
    ports: dict[str, int] = field(default_factory=_ports)
    more: dict[str, str] = field(default_factory=dict)
    """Settings of the service beside, or in place of, those of compose.yaml."""
    processes: dict[str, Process] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where nginx answers."""
        return f"http://127.0.0.1:{self.ports['nginx']}"

    @property
    def secrets(self) -> Path:
        return self.folder / "secrets"

    def settings(self) -> dict[str, str]:
        """What every process of the service is told."""
        database = ",".join(
            f"127.0.0.1:{self.ports[name]}" for name in ("postgres-primary", "postgres-secondary")
        )
        return {
            "DATABASE": "postgres",
            "DB_HOST": database,
            "DB_REPLICA_HOSTS": database,
            "DB_NAME": "profiles",
            "DB_USER": "profiles_service",
            "DB_PASSWORD_FILE": f"{self.secrets}/db_service",
            "CACHE": "redis",
            "REDIS_ADDRESS": f"127.0.0.1:{self.ports['redis']}",
            "REDIS_USERNAME": "profilecore",
            "REDIS_PASSWORD_FILE": f"{self.secrets}/redis_password",
            "QUEUE": "rabbitmq",
            "QUEUE_URI_FILE": f"{self.secrets}/queue_uri",
            "CALLBACK_SECRET_FILE": f"{self.secrets}/callback_secret",
            "BLOBS_URL": f"file://{self.folder}/blobs",
            "CDN_PURGE": f"http://127.0.0.1:{self.ports['varnish']}",
            "AUTH_MODE": "token",
            "SERVER_HOST": "127.0.0.1",
            "TRUSTED_PROXIES": "loopback",
            "SHUTDOWN_DELAY": "5s",
            "LOG_FORMAT": "json",
            **self.more,
        }

    def up(self) -> None:
        """Start all; what was started is stopped again where one of them does not."""
        try:
            for process in self._all():
                self.processes[process.name] = process
                process.start()
                if process.name == "postgres-primary":
                    self._migrate()
        except BaseException:
            self.down()
            raise

    def down(self) -> dict[str, int | None]:
        """Stop all, the last one first; the exit code of each."""
        codes = {name: p.stop() for name, p in reversed(self.processes.items())}
        self.processes.clear()
        return codes

    def token(self, *scopes: str) -> str:
        """A new token of the API, with these scopes."""
        given = [word for scope in scopes for word in ("--scope", scope)]
        return self.tool("tokens", "create", "local", *given).strip()

    def tool(self, *words: str, **settings: str) -> str:
        """Run a command of profilecore; what it printed."""
        return run(self.profilecore, *words, cwd=self.folder, **(self.settings() | settings))

    def _migrate(self) -> None:
        owner = {"DB_USER": "profiles_owner", "DB_PASSWORD_FILE": f"{self.secrets}/db_owner"}
        primary = f"127.0.0.1:{self.ports['postgres-primary']}"
        self.tool("migrate", "up", **owner, DB_HOST=primary, DB_REPLICA_HOSTS=primary)

    def _all(self) -> Iterator[Process]:
        self._prepare()
        ports, secrets = self.ports, self.secrets
        primary = ports["postgres-primary"]
        yield engines.postgres(self.folder, primary, secrets)
        yield engines.postgres(self.folder, ports["postgres-secondary"], secrets, of=primary)
        yield engines.redis(self.folder, ports["redis"], secrets)
        yield from engines.rabbitmq(self.folder, ports["rabbitmq"], secrets)
        for name in _SERVERS:
            yield self._service(name, "serve")
        yield self._service("worker", "worker", SHUTDOWN_DELAY="0s")
        yield self._varnish()
        yield self._nginx()
        targets = {name: ports[f"{name}-ops"] for name in (*_SERVERS, "worker")}
        yield engines.prometheus(self.folder, ports["prometheus"], targets)

    def _prepare(self) -> None:
        # Each server's own folder is its own; this one only leads there.
        self.folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        make_secrets.write(self.secrets)
        self.secrets.chmod(0o711)
        for path in self.secrets.iterdir():
            path.chmod(0o600)
            own(path, _READERS.get(path.name))
        uri = self.secrets / "queue_uri"
        start, _, _ = uri.read_text().partition("@")
        uri.write_text(f"{start}@127.0.0.1:{self.ports['rabbitmq']}/")

    def _service(self, name: str, command: str, **settings: str) -> Process:
        port = self.ports[name]
        own_ports = {"SERVER_PORT": str(port), "OPS_PORT": str(self.ports[f"{name}-ops"])}
        return Process(
            name=name,
            command=[self.profilecore, command],
            folder=self.folder / name,
            env=self.settings() | own_ports | settings,
            answers=partial(is_good, f"http://127.0.0.1:{port}/health/ready"),
        )

    def _varnish(self) -> Process:
        place, port = self.folder / "varnish", self.ports["varnish"]
        place.mkdir(parents=True, exist_ok=True)
        text = adapted(
            DEPLOY / "varnish" / "compose.vcl",
            *(
                (
                    f'.host = "{name}";\n    .port = "8080";',
                    f'.host = "127.0.0.1";\n    .port = "{self.ports[name]}";',
                )
                for name in _SERVERS
            ),
            ('"172.30.0.0"/24;', '"127.0.0.0"/8;'),
        )
        (place / "compose.vcl").write_text(text)
        shutil.copy(DEPLOY / "varnish" / "media.vcl", place)
        return Process(
            name="varnish",
            command=[
                *("varnishd", "-F", "-j", "none", "-n", str(place / "state"), "-T", "none"),
                *("-f", str(place / "compose.vcl"), "-a", f"127.0.0.1:{port}"),
                *("-s", "malloc,64m"),
            ],
            folder=place,
            env={"PATH": f"{os.environ['PATH']}:/usr/sbin"},
            answers=partial(connects, port),
        )

    def _nginx(self) -> Process:
        place, port = self.folder / "nginx", self.ports["nginx"]
        (place / "tmp").mkdir(parents=True, exist_ok=True)
        place.chmod(0o711)
        (place / "tmp").chmod(0o711)
        text = adapted(
            DEPLOY / "nginx.conf",
            ("listen 8080;", f"listen 127.0.0.1:{port};"),
            ("root /usr/share/profilecore/client;", f"root {self._client()};"),
            ("pid /tmp/", f"pid {place}/tmp/"),
            *((f"{kind}_path /tmp/", f"{kind}_path {place}/tmp/") for kind in _TEMPORARY),
        )
        # Its user is named for one that begins as root, so that it may write to this folder.
        user = "user root;\n" if os.geteuid() == 0 else ""
        (place / "nginx.conf").write_text(user + text)
        upstream = adapted(
            DEPLOY / "upstream.conf",
            *((f"{name}:8080", f"127.0.0.1:{self.ports[name]}") for name in _SERVERS),
            ("varnish:6081", f"127.0.0.1:{self.ports['varnish']}"),
        )
        (place / "upstream.conf").write_text(upstream)
        return Process(
            name="nginx",
            command=[
                *("/usr/sbin/nginx", "-p", str(place), "-c", str(place / "nginx.conf")),
                *("-e", "stderr", "-g", "daemon off;"),
            ],
            folder=place,
            answers=partial(is_good, f"http://127.0.0.1:{port}/nginx/live"),
        )

    def _client(self) -> Path:
        """The web client's files, as they were installed."""
        python = Path(self.profilecore).resolve().with_name("python")
        code = "import profilecore.entrypoints as e; print(e.__path__[0])"
        where = run(str(python), "-c", code, cwd=self.folder) if python.exists() else ""
        return Path(where.strip()) / "web" / "built"


@contextmanager
def running(folder: Path, **options: object) -> Iterator[Stack]:
    """A stack that is up, and stopped in the end."""
    stack = Stack(folder=folder, **options)  # type: ignore[arg-type]
    stack.up()
    try:
        yield stack
    finally:
        stack.down()
