"""Both images, built by buildah without an engine on a base of Debian's packages, and run.

`buildah run` is chroot here, which cannot make the root of a container read only, so the tests look
at that in another way: what is run may write to no file of the image, and leaves it as it was.
"""

import hashlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from profilecore.entrypoints.version import VERSION
from tests.support.http import path_of
from tests.support.pictures import encoded, scene
from tests.support.ports import free_port
from tests.support.uploads import upload

ROOT: Final = Path(__file__).parents[2]
# Kept between runs: it takes a minute, and is always the same.
CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "profilecore-images"
PACKAGES: Final = {"python": "python3,ca-certificates", "nginx": "nginx-light"}
MOST: Final = 120 * 10**6
NOBODY: Final = "65532:65532"
pytestmark = pytest.mark.timeout(900)


class Buildah:
    """buildah with a store of its own, chroot isolation, and no engine."""

    def __init__(self, folder: Path) -> None:
        self._options = [
            *("--root", str(folder / "root"), "--runroot", str(folder / "run")),
            *("--storage-driver", "vfs"),
        ]

    def __call__(self, *words: str | Path) -> str:
        done = subprocess.run(
            ["buildah", *self._options, *map(str, words)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def command(self, *words: str) -> list[str]:
        return ["buildah", *self._options, *words]

    def base(self, name: str, packages: str) -> None:
        """An image of Debian's packages, called `name`."""
        CACHE.mkdir(parents=True, exist_ok=True)
        archive = CACHE / f"{name}.tar"
        if not archive.exists():
            making = archive.with_suffix(".part.tar")
            subprocess.run(
                ["mmdebstrap", "--variant=minbase", f"--include={packages}", "bookworm", making],
                check=True,
                capture_output=True,
            )
            making.rename(archive)
        container = self("from", "scratch")
        self("add", container, archive, "/")
        self("commit", container, f"localhost/{name}")
        self("rm", container)

    def build(self, name: str, file: str, **arguments: str) -> None:
        given = [f"--build-arg={key}={value}" for key, value in arguments.items()]
        self(
            *("bud", "--isolation", "chroot", "--format", "docker", *given),
            *("-f", f"deploy/{file}", "-t", f"localhost/{name}", "."),
        )

    def config(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self("inspect", "--type", "image", name))
        config: dict[str, Any] = found["Docker"]["config"]
        return config

    def size(self, name: str) -> int:
        found = json.loads(self("images", "--json", name))
        (image,) = found
        return int(image["bytes"]) if "bytes" in image else _bytes(image["size"])


def _bytes(text: str) -> int:
    number, unit = text.split()
    return round(float(number) * {"KB": 1e3, "MB": 1e6, "GB": 1e9}[unit])


@pytest.fixture(scope="module")
def buildah(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Buildah]:
    folder = tmp_path_factory.mktemp("buildah")
    folder.parent.chmod(0o711)
    buildah = Buildah(folder)
    for name, packages in PACKAGES.items():
        buildah.base(name, packages)
    builder = buildah("from", "localhost/python")
    tools = "apt-get -q update && apt-get -q -y install --no-install-recommends binutils"
    buildah("run", "--isolation", "chroot", builder, "--", "sh", "-c", tools)
    buildah("commit", builder, "localhost/builder")
    images = {"VERSION": VERSION, "BUILD_IMAGE": "localhost/builder"}
    buildah.build("service", "Dockerfile", BASE_IMAGE="localhost/python", **images)
    buildah.build("client", "client.Dockerfile", BASE_IMAGE="localhost/nginx", **images)
    yield buildah
    shutil.rmtree(folder, ignore_errors=True)


class Container:
    """What an image's own entry point does, as the image's own user."""

    def __init__(self, buildah: Buildah, image: str, *mounts: str) -> None:
        self._buildah = buildah
        self.config = buildah.config(f"localhost/{image}")
        self.name = buildah("from", f"localhost/{image}")
        self.root = Path(buildah("mount", self.name))
        self._mounts = [f"--volume={mount}" for mount in mounts]
        self._process: subprocess.Popen[bytes] | None = None

    def command(self, *words: str, **env: str) -> list[str]:
        given = [f"--env={key}={value}" for key, value in env.items()]
        return self._buildah.command(
            *("run", "--isolation", "chroot", *self._mounts, *given, self.name, "--"),
            *(*self.config["Entrypoint"], *words),
        )

    def run(self, *words: str, **env: str) -> str:
        done = subprocess.run(
            self.command(*words, **env), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def start(self, log: Path, *words: str, **env: str) -> None:
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                self.command(*words, **env), stdout=output, stderr=output, start_new_session=True
            )

    def close(self) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, 15)
            self._process.wait(30)
        self._buildah("rm", self.name)

    def files(self) -> dict[str, str]:
        """A hash of each file that belongs to the image."""
        found = {}
        for path in sorted(self.root.joinpath("opt", "profilecore").rglob("*")):
            if path.is_file() and not path.is_symlink():
                data = path.read_bytes()
                found[str(path)] = hashlib.sha256(data).hexdigest()
        return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A volume that the image's user may write to; and the way to it is open."""
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(0o711)
    volume = tmp_path / "volume"
    volume.mkdir()
    os.chown(volume, 65532, 65532)
    return volume


@pytest.fixture
def container(buildah: Buildah, folder: Path) -> Iterator[Container]:
    container = Container(buildah, "service", f"{folder}:/var/lib/profilecore:rw")
    yield container
    container.close()


def answered(url: str, log: Path) -> httpx.Response:
    deadline = time.monotonic() + 60
    while True:
        try:
            return httpx.get(url, timeout=5, trust_env=False)
        except httpx.TransportError:
            assert time.monotonic() < deadline, log.read_text(errors="replace")
            time.sleep(0.1)


def test_the_image_is_small(buildah: Buildah) -> None:
    """What comes on top of the base: code, libraries, and nothing that is never opened."""
    added = buildah.size("localhost/service") - buildah.size("localhost/python")
    client = buildah.size("localhost/client") - buildah.size("localhost/nginx")
    print(f"\nservice: {added / 1e6:.0f} MB on top of its base; client: {client / 1e6:.2f} MB")
    assert 0 < added <= MOST
    assert client <= 2 * 10**6


@pytest.mark.parametrize("image", ["service", "client"])
def test_an_image_says_what_it_is(buildah: Buildah, image: str) -> None:
    config = buildah.config(f"localhost/{image}")
    labels = config["Labels"]
    assert labels["org.opencontainers.image.version"] == VERSION
    assert labels["org.opencontainers.image.licenses"] == "MIT"
    assert config["User"] == NOBODY
    assert config["Healthcheck"]["Test"][0] == "CMD"


def test_the_command_runs_as_nobody(container: Container) -> None:
    assert container.run("--version").endswith(VERSION)
    python = container.config["Entrypoint"][0].replace("bin/profilecore", "bin/python")
    container.config["Entrypoint"] = [python]
    assert container.run("-c", "import os; print(f'{os.getuid()}:{os.getgid()}')") == NOBODY
    writing = (
        "import os; print([p for p, _, _ in os.walk('/') "
        "if not p.startswith(('/proc', '/sys', '/dev', '/run', '/tmp', '/var/tmp')) "
        "and os.access(p, os.W_OK)])"
    )
    assert json.loads(container.run("-c", writing).replace("'", '"')) == ["/var/lib/profilecore"]


def test_a_service_runs_in_it(container: Container, folder: Path, tmp_path: Path) -> None:
    """With all that was pruned: made-up people, the documentation's page, a picture."""
    before, port, log = container.files(), free_port(), tmp_path / "log"
    settings = {
        "DATABASE": "sqlite",
        "AUTH_MODE": "none",
        "SERVER_HOST": "127.0.0.1",
        "SERVER_PORT": str(port),
    }
    container.run("seed", "--count", "300", **settings)  # some of each language
    assert "serve" in container.run("--help")
    container.start(log, "serve", **settings)
    url = f"http://127.0.0.1:{port}"
    assert answered(f"{url}/health/ready", log).status_code == 200
    with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
        people = client.get("/api/v1/profiles", params={"limit": 300}).json()
        assert len(people) == 300
        for page in ("/", "/docs", "/openapi.json", "/metrics", path_of(people[0])):
            assert client.get(page).status_code == 200, page
        initials = client.get(f"{path_of(people[0])}/avatar")
        assert initials.headers["content-type"].startswith("image/svg+xml")
        for form in ("PNG", "JPEG", "WEBP"):
            image = upload(client, people[0], encoded(scene(), form))
            assert image.status_code == 201, image.text
            assert client.get(image.json()["url"]).headers["content-type"] == "image/webp"
    check = container.config["Healthcheck"]["Test"][1:]
    container.config["Entrypoint"] = check[:1]
    container.run(*check[1:], **settings)
    assert (folder / "profiles.db").exists()
    assert container.files() == before


def test_the_client_runs(buildah: Buildah, tmp_path: Path, folder: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    configuration = (ROOT / "deploy" / "nginx.conf").read_text()
    # An engine gives standard output to the user of a container; `buildah run` keeps it root's.
    configuration = configuration.replace("access_log /dev/stdout json", "access_log off")
    (folder / "nginx.conf").write_text(configuration.replace("listen 8080", f"listen {port}"))
    upstream = (ROOT / "k8s" / "simple" / "upstream.conf").read_text()
    (folder / "upstream.conf").write_text(upstream.replace("profile-service:8080", "127.0.0.1:9"))
    for name in ("nginx.conf", "upstream.conf"):
        (folder / name).chmod(0o644)
    container = Container(
        buildah,
        "client",
        *(f"{folder}/{n}:/etc/nginx/{n}:ro" for n in ("nginx.conf", "upstream.conf")),
    )
    try:
        container.start(log, "-g", "daemon off;")
        assert answered(f"http://127.0.0.1:{port}/nginx/live", log).json() == {"status": "alive"}
        away = httpx.get(f"http://127.0.0.1:{port}/api/v1/profiles", trust_env=False)
        assert (away.status_code, away.json()["code"]) == (503, "unavailable")
        assert away.headers["content-type"] == "application/problem+json"
    finally:
        container.close()
