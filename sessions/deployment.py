"""The sessions of deployment: images, clusters, and what can be checked of both without either.

Those of a cluster stand in for a makefile. Where their tool is not there they print the command, so
that it can be given where it is.
"""

import json
import re
import shlex
import shutil
import tempfile
import tomllib
import urllib.request
from pathlib import Path
from typing import Final

import nox

from sessions.common import install, pytest, require

CLUSTER: Final = "profilecore"
NAMESPACE: Final = "profilecore"
KUBECTL: Final = ("kubectl", "--namespace", NAMESPACE)
OVERLAYS: Final = ("simple", "ha")
WHEELS: Final = Path("dist/wheelhouse")
CHECKED: Final = {  # what reads the files in deploy/
    "/usr/sbin/nginx": "nginx-light",
    "/usr/sbin/varnishd": "varnish",
    "promtool": "prometheus",
}
STARTED: Final = {
    **CHECKED,
    "prometheus": "prometheus",
    "redis-server": "redis-server",
    "/usr/lib/postgresql/15/bin/postgres": "postgresql-15",
    "/usr/lib/rabbitmq/bin/rabbitmq-server": "rabbitmq-server",
}
LOGS: Final = {
    "profile": "app.kubernetes.io/name in (profile-service, profile-worker)",
    "postgres": "app.kubernetes.io/name=postgres",
    "redis": "app.kubernetes.io/name=redis",
    "rabbitmq": "app.kubernetes.io/name=rabbitmq",
}


def version() -> str:
    """That of the project."""
    with Path("pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


def given(session: nox.Session, *command: str) -> bool:
    """Run a command; where its tool is missing, print the command, and give False."""
    if shutil.which(command[0]) is None:
        session.warn(f"{command[0]} is not here. Where it is, run:\n\n    {shlex.join(command)}\n")
        return False
    session.run(*command, external=True)
    return True


@nox.session
def deploy_check(session: nox.Session) -> None:
    """Check all that is deployed, as far as that needs neither a cluster nor an engine."""
    require(session, **CHECKED)
    install(session)
    session.install("--require-hashes", "-r", "requirements/deploy.txt")
    pytest(session, "tests/deploy")
    session.notify("checkov")


@nox.session
def checkov(session: nox.Session) -> None:
    """Look at what is deployed with checkov; each finding is fixed, or explained in its file."""
    session.install("--require-hashes", "-r", "requirements/checkov.txt")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ignored = shutil.ignore_patterns("__pycache__", "secrets")
        for part in ("deploy", "k8s"):
            shutil.copytree(part, folder / part, ignore=ignored)
        secrets = folder / "deploy" / "secrets"
        secrets.mkdir()
        shutil.copy("deploy/secrets/kustomization.yaml", secrets)
        session.run("python", "deploy/make_secrets.py", str(secrets), silent=True)
        rendered = folder / "rendered"
        rendered.mkdir()
        for overlay in OVERLAYS:
            source = folder / "k8s" / "overlays" / overlay
            text = session.run("kubectl", "kustomize", str(source), silent=True)
            (rendered / f"{overlay}.yaml").write_text(str(text))
        for place in ("Dockerfile", "client.Dockerfile"):
            shutil.copy(Path("deploy", place), rendered)
        session.run(
            *("checkov", "--directory", str(rendered), "--config-file", "deploy/checkov.yaml"),
            *("--skip-download", "--quiet", "--compact"),
        )


@nox.session
def rehearsal(session: nox.Session) -> None:
    """Restart and kill servers behind nginx under load, and restore a database that is gone."""
    require(session, **STARTED)
    install(session)
    session.run("pytest", "-s", *(session.posargs or ["tests/rehearsal"]))


@nox.session
def wheelhouse(session: nox.Session) -> None:
    """Collect in dist/wheelhouse what an image is made of: locked wheels, and this project's."""
    session.install("--require-hashes", "-r", "requirements/dev.txt")
    collect(session)


def collect(session: nox.Session) -> None:
    """Fill dist/wheelhouse anew."""
    shutil.rmtree(WHEELS, ignore_errors=True)
    WHEELS.mkdir(parents=True)
    # Without markers: the image may have another patch release of Python than this environment.
    text = Path("requirements/service.txt").read_text(encoding="utf-8")
    text = re.sub(r"(?m)^(\S+==\S+) ; [^\\]*", r"\1 ", text)
    locked = Path("requirements/dev.txt").read_text(encoding="utf-8")
    (pip,) = re.findall(r"(?m)^pip==[^\n]*(?:\n    --hash[^\n]*)*", locked)
    wanted = Path(session.create_tmp(), "requirements.txt").resolve()
    wanted.write_text(f"{text}\n{pip}\n", encoding="utf-8")
    session.run(
        *("python", "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"),
        *("--require-hashes", "--requirement", str(wanted), "--dest", str(WHEELS)),
    )
    session.run(
        *("python", "-m", "build", "--wheel", "--no-isolation", "--outdir", str(WHEELS)),
        silent=True,
    )


@nox.session
def image(session: nox.Session) -> None:
    """Build both images by buildah on a base of Debian's packages, and run them."""
    if shutil.which("apt-get") is None:
        session.warn("NOT RUN: there is no buildah here, and no apt-get that could install it.")
        return
    require(session, buildah="buildah", mmdebstrap="mmdebstrap")
    install(session)
    collect(session)
    session.run("pytest", "-s", "tests/images")


@nox.session(venv_backend="none")
def build_image(session: nox.Session) -> None:
    """Build the images of the service and of nginx, and bring them into the cluster of kind."""
    if not list(WHEELS.glob("profilecore-*.whl")):
        session.error("There is no wheelhouse yet: run `nox -s wheelhouse build_image`")
    for name, file in (("profile-service", "Dockerfile"), ("profile-client", "client.Dockerfile")):
        tag = f"{name}:{version()}"
        arguments = ("--build-arg", f"VERSION={version()}")
        given(session, "docker", "build", "-f", f"deploy/{file}", "-t", tag, *arguments, ".")
        given(session, "kind", "load", "docker-image", "--name", CLUSTER, tag)


@nox.session(venv_backend="none")
def cluster_create(session: nox.Session) -> None:
    """Make a cluster by kind."""
    given(session, "kind", "create", "cluster", "--name", CLUSTER)


@nox.session(venv_backend="none")
def deploy_all(session: nox.Session) -> None:
    """Make up secrets where there are none, and deploy; `-- ha` takes that overlay."""
    overlay = session.posargs[0] if session.posargs else "simple"
    if overlay not in OVERLAYS:
        session.error(f"There is no overlay {overlay}; there are: {', '.join(OVERLAYS)}")
    session.run("python3", "deploy/make_secrets.py", external=True)
    # A Job cannot be changed, and its settings may have been.
    job = f"job/profile-migrate-{version().replace('.', '-')}"
    given(session, *KUBECTL, "delete", job, "--ignore-not-found")
    given(session, "kubectl", "apply", "-k", f"k8s/overlays/{overlay}")


@nox.session(venv_backend="none")
def wait_pods(session: nox.Session) -> None:
    """Wait until everything that was deployed is ready."""
    for kind in ("deployment", "statefulset"):
        given(session, *KUBECTL, "rollout", "status", kind, "--timeout=5m")


@nox.session(venv_backend="none")
def status(session: nox.Session) -> None:
    """Show what is deployed, and how it is."""
    given(session, *KUBECTL, "get", "all,hpa,pvc", "--output", "wide")


@nox.session(venv_backend="none")
def port_forward(session: nox.Session) -> None:
    """Reach the client, and with it the API, on port 8080 of this machine, until Ctrl-C."""
    given(session, *KUBECTL, "port-forward", "service/client", "8080:80")


@nox.session(venv_backend="none")
def logs(session: nox.Session) -> None:
    """Show log lines: `-- profile`, `-- postgres`, `-- redis` or `-- rabbitmq`."""
    name = session.posargs[0] if session.posargs else "profile"
    if name not in LOGS:
        session.error(f"There are no logs of {name}; there are: {', '.join(LOGS)}")
    lines = ("--all-containers", "--prefix", "--tail=200", "--max-log-requests=30")
    given(session, *KUBECTL, "logs", "--selector", LOGS[name], *lines)


@nox.session(venv_backend="none")
def restart_profile(session: nox.Session) -> None:
    """Replace servers and workers one by one, as for a new image of the same name."""
    names = ("deployment/profile-service", "deployment/profile-worker")
    given(session, *KUBECTL, "rollout", "restart", *names)


@nox.session(venv_backend="none")
def test_api(session: nox.Session) -> None:
    """Ask the deployed service how it is; `-- URL` is another one than that of port_forward."""
    url = session.posargs[0] if session.posargs else "http://localhost:8080"
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=10) as answer:
            health = json.load(answer)
    except OSError as error:
        session.error(f"{url} does not answer ({error}); run `nox -s port_forward` beside this")
    for name, component in health["components"].items():
        session.log(f"{name}: {component['status']} ({component['detail']})")
    if health["status"] != "healthy":
        session.error(f"The service is {health['status']}.")


@nox.session(venv_backend="none")
def delete_all(session: nox.Session) -> None:
    """Delete all that was deployed, with its data; `-- cluster` deletes the cluster too."""
    given(session, "kubectl", "delete", "namespace", NAMESPACE, "--ignore-not-found")
    if session.posargs == ["cluster"]:
        given(session, "kind", "delete", "cluster", "--name", CLUSTER)
