"""The project's tasks: `nox -l` lists them, `nox` runs what CI runs, `nox -s unit` runs one."""

import filecmp
import os
import secrets
import shutil
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import nox

sys.path.insert(0, str(Path(__file__).parent))  # which the command `nox` leaves out

import sessions.deployment  # noqa: F401 - its sessions are known by being imported
from sessions.common import install, pytest, require

nox.needs_version = ">=2024.4.15"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = [
    *("lint", "types", "web", "unit", "integration", "e2e", "monitoring", "deploy_check"),
    *("rehearsal", "docs"),
]

SOURCES = Path("src")
MAX_LINES = 300
WEB = SOURCES / "entrypoints" / "web"
BUILT, SCHEMA = WEB / "built", WEB / "source" / "api" / "schema.d.ts"
WRITTEN_BY_HAND = {".py", ".sql", ".html", ".js", ".css", ".ts", ".tsx"}
DESCRIBE = """\
import json, pathlib, sys
from profilecore.entrypoints.http import openapi_document
# Sorted, since headers come in another order each time.
text = json.dumps(openapi_document(), sort_keys=True)
pathlib.Path(sys.argv[1]).write_text(text, encoding="utf-8")
"""
NODE = {"node": "nodejs", "npm": "npm"}
NODE_MIN = (20, 19)  # what the tools that build the web client run on
# Names in many scripts stand in the pictures, each in the same letters wherever they are taken.
FONTS = {
    "/usr/share/fonts/opentype/inter/Inter-Regular.otf": "fonts-inter",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc": "fonts-noto-cjk",
    "/usr/share/fonts/truetype/noto/NotoSansArabic-Regular.ttf": "fonts-noto-core",
    "/usr/share/fonts/truetype/dejavu/DejaVuSerif.ttf": "fonts-dejavu-core",
}
REDIS = {"redis-server": "redis-server", "openssl": "openssl"}
RABBITMQ = {"/usr/lib/rabbitmq/bin/rabbitmq-server": "rabbitmq-server"}
CACHES = {"/usr/sbin/varnishd": "varnish", "/usr/sbin/nginx": "nginx-light"}
PROMETHEUS = {"prometheus": "prometheus", "promtool": "prometheus"}
SLOW = {"tasks", "rabbitmq"}
CLOCK = {"faketime": "faketime"}
LOAD = {
    "wrk": "wrk",
    "redis-benchmark": "redis-tools",
    "/usr/lib/postgresql/15/bin/pgbench": "postgresql-15",
}
SERVERS = {  # none of them is on the PATH
    "/usr/lib/postgresql/15/bin/postgres": "postgresql-15",
    "/usr/sbin/pgbouncer": "pgbouncer",
}


@nox.session
def dev(session: nox.Session) -> None:
    """Run the whole service in one process, for development; options go after `--`."""
    install(session)
    session.run("profilecore", "dev", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, formatting, import rules, file sizes and packaging."""
    install(session)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")
    check_sources(session)


def sources() -> Iterator[Path]:
    """What is written by hand: not what is built from it, nor what npm has brought."""
    for folder, folders, names in os.walk(SOURCES):
        folders[:] = [name for name in folders if name not in {"node_modules", "__pycache__"}]
        found = [Path(folder, name) for name in names]
        yield from (path for path in found if BUILT not in path.parents and path != SCHEMA)


def check_sources(session: nox.Session) -> None:
    """Refuse source files that are too long, and folders that no wheel would carry."""
    faults = []
    for path in sorted(sources()):
        if path.suffix in WRITTEN_BY_HAND:
            lines = len(path.read_text(encoding="utf-8").splitlines())
            if lines > MAX_LINES:
                faults.append(f"{path} has {lines} lines, and {MAX_LINES} are the limit")
        if path.suffix == ".py":
            # From src/<layer>/ down: setuptools leaves out a folder without an __init__.py.
            folders = [folder for folder in path.parents if SOURCES in folder.parents]
            faults += [
                f"{folder} has no __init__.py, so {path} is not packaged"
                for folder in folders
                if not (folder / "__init__.py").exists()
            ]
    if faults:
        session.error("\n".join(faults))


@nox.session
def types(session: nox.Session) -> None:
    """Check types, strictly."""
    install(session)
    session.run("mypy", "--package", "profilecore")
    session.run("mypy", "tests", "fuzz", "deploy", "sessions")


@nox.session
def web(session: nox.Session) -> None:
    """Check the web client, and that what is committed is what it makes; `-- write` writes it."""
    require(session, **NODE)
    check_node(session)
    install(session)
    install_web(session)
    write = "write" in session.posargs
    made = Path(session.create_tmp()).resolve() / "web"
    made.mkdir(exist_ok=True)
    session.run("python", "-c", DESCRIBE, f"{made}/openapi.json")
    with session.chdir(WEB):
        types = SCHEMA.relative_to(WEB) if write else made / "schema.d.ts"
        run = ("npm", "run", "--silent")
        session.run(*run, "types", "--", f"{made}/openapi.json", "-o", str(types), external=True)
        session.run(*run, "check", external=True)
        session.run(*run, "test", external=True)
        target = BUILT.relative_to(WEB) if write else made / "built"
        session.run(*run, "build", "--", "--emptyOutDir", "--outDir", str(target), external=True)
    if not write and (
        not same(BUILT, made / "built")
        or not filecmp.cmp(SCHEMA, made / "schema.d.ts", shallow=False)
    ):
        session.error("The web client was not built anew: run `nox -s web -- write`, and commit.")


def check_node(session: nox.Session) -> None:
    """Say what to do where Node is too old to build the web client, as Debian 12's own is."""
    said = str(session.run("node", "--version", external=True, silent=True)).strip()
    if tuple(map(int, said.lstrip("v").split(".")[:2])) < NODE_MIN:
        least = ".".join(map(str, NODE_MIN))
        session.error(
            f"Node {said} cannot build the web client, which takes {least} or newer: put one from "
            "nodejs.org first on the PATH. Nothing else needs it; what is built is committed."
        )


def install_web(session: nox.Session) -> None:
    """Bring what the lock of the web client names; older Nodes can do that much."""
    quiet = ("--no-audit", "--no-fund", "--no-engine-strict", "--ignore-scripts")
    with session.chdir(WEB):
        session.run("npm", "ci", *quiet, external=True, silent=True)


def same(one: Path, other: Path) -> bool:
    """Whether two folders hold the same files."""
    names = [
        sorted(path.relative_to(root) for path in root.rglob("*") if path.is_file())
        for root in (one, other)
    ]
    return names[0] == names[1] and all(
        filecmp.cmp(one / name, other / name, shallow=False) for name in names[0]
    )


@nox.session
def unit(session: nox.Session) -> None:
    """Run the unit tests and the contract suites: no server, no network."""
    install(session)
    pytest(session, "tests/unit", "tests/contracts")


@nox.session
def integration(session: nox.Session) -> None:
    """Run the tests of parts that work together."""
    require(session, **SERVERS, **REDIS, **RABBITMQ, **CACHES, **CLOCK)
    install(session)
    # Those that take longest first, or one process is left with them in the end.
    folders = [path for path in Path("tests/integration").glob("[!_]*") if path.is_dir()]
    slowest = sorted(folders, key=lambda path: (path.name not in SLOW, path.name))
    pytest(session, *map(str, slowest), more=1, alone=True)


@nox.session
def faults(session: nox.Session) -> None:
    """Run the campaigns in full; `-- SEED` repeats one."""
    require(session, **SERVERS, **REDIS, **RABBITMQ, **CLOCK)
    install(session)
    seed = session.posargs[0] if session.posargs else str(secrets.randbelow(2**32))
    session.log(f"The seed is {seed}.")
    session.run(
        # Nothing is captured, so that one sees how far it is.
        *("pytest", "tests/integration", "-m", "campaign", "-s", "-o", "timeout=7200"),
        env={"FAULTS_FULL": "1", "FAULTS_SEED": seed},
    )


@nox.session
def e2e(session: nox.Session) -> None:
    """Run the tests that start the real service as a user does."""
    require(session, curl="curl", chromium="chromium", **NODE, **CACHES)
    install(session)
    install_web(session)  # the accessibility checker comes from there
    pytest(session, "tests/e2e", more=1, alone=True)


@nox.session
def monitoring(session: nox.Session) -> None:
    """Test the rules of alerts and the dashboards, and look at the service through them."""
    require(session, **PROMETHEUS, **SERVERS, **REDIS, **RABBITMQ)
    install(session)
    session.install("--require-hashes", "-r", "requirements/monitoring.txt")
    pytest(session, "tests/monitoring")


@nox.session
def dashboards(session: nox.Session) -> None:
    """Write the dashboards in deploy/grafana anew from the Python that describes them."""
    install(session)
    session.install("--require-hashes", "-r", "requirements/monitoring.txt")
    session.run("python", "-m", "deploy.grafana")


@nox.session
def schema(session: nox.Session) -> None:
    """Play 5,000 requests and more that the OpenAPI document allows or forbids."""
    install(session)
    examples = {"PROFILECORE_SCHEMA_EXAMPLES": "175"}
    session.run("pytest", "-s", "tests/e2e/test_schema.py", env=examples)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Try each parser with random bytes, guided by coverage, for 600 seconds, or `-- SECONDS`."""
    install(session)
    session.install("--require-hashes", "-r", "requirements/fuzz.txt")
    (seconds,) = map(int, session.posargs or ("600",))
    names = "from fuzz.targets import TARGETS; print(*TARGETS)"
    targets = str(session.run("python", "-c", names, silent=True)).split()
    for target in targets:
        session.run("python", "-m", "fuzz", target, str(max(1, seconds // len(targets))))


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation, warnings being errors, and run its code blocks."""
    require(session, curl="curl", jq="jq")
    install(session)
    session.run("sphinx-build", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html")
    pytest(session, "tests/docs", dealt="worksteal")  # most are of one file, a page each


@nox.session
def pictures(session: nox.Session) -> None:
    """Take the pictures of the web client in the documentation anew; `-- VIEW` takes one's."""
    require(session, chromium="chromium", **FONTS)
    install(session)
    session.run("python", "-m", "docs.pictures", *session.posargs)


@nox.session
def load(session: nox.Session) -> None:
    """Run every benchmark, or those named after `--`; options go to each of them."""
    require(session, **SERVERS, **REDIS, **RABBITMQ, **LOAD, chromium="chromium")
    install(session)
    session.install("--require-hashes", "-r", "requirements/load.txt")
    found = sorted(path.stem for path in Path("benchmarks").glob("[!_]*.py"))
    options = [word for word in session.posargs if word.startswith("-")]
    for name in [word for word in session.posargs if word not in options] or found:
        session.run("python", "-m", f"benchmarks.{name}", *options)


@nox.session
def lock(session: nox.Session) -> None:
    """Write the lock files anew; `-- --upgrade` takes newer versions."""
    session.install("uv")
    compiler = ("uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11")
    form = ("--generate-hashes", "--no-emit-index-url", "--no-header", "--annotation-style", "line")
    runtime, everything = "requirements/service.txt", "requirements/dev.txt"
    source = ("pyproject.toml", "--extra", "service", "--extra", "tracing")
    session.run(*compiler, *form, *session.posargs, *source, "-o", runtime)
    session.run(
        *(*compiler, *form, *session.posargs, *source, "--group", "dev"),
        *("--constraints", runtime, "-o", everything),
    )
    for group in (
        "deploy",
        "fuzz",
        "load",
        "monitoring",
        "supply",
    ):  # tools that are beside what is built
        target = f"requirements/{group}.txt"
        constraints = ("--constraints", everything)
        session.run(
            *(*compiler, *form, *session.posargs, "--group", group, *constraints, "-o", target)
        )
    # It pins what others need newer, and has an environment of its own.
    apart = ("--group", "checkov", "-o", "requirements/checkov.txt")
    session.run(*compiler, *form, *session.posargs, *apart)


def installed_tools(session: nox.Session) -> None:
    """Install what looks at the locked requirements, and nothing of the project."""
    session.install("--require-hashes", "-r", "requirements/supply.txt")
    Path("dist").mkdir(exist_ok=True)


@nox.session
def sbom(session: nox.Session) -> None:
    """Write the bill of materials of a running service to dist/sbom.json (CycloneDX)."""
    installed_tools(session)
    session.run(
        *("cyclonedx-py", "requirements", "requirements/service.txt"),
        *("--pyproject", "pyproject.toml", "--output-reproducible", "-o", "dist/sbom.json"),
        *session.posargs,
    )


@nox.session
def audit(session: nox.Session) -> None:
    """Look for known vulnerabilities of the locked requirements; asks a service on the network."""
    installed_tools(session)
    session.log("This needs a network: advisories are looked up now, and not kept here.")
    session.run(
        *("pip-audit", "--disable-pip", "--require-hashes", "-r", "requirements/service.txt"),
        *session.posargs,
    )


@nox.session
def build(session: nox.Session) -> None:
    """Build the sdist and the wheel, and check that the wheel carries each source file."""
    session.install("--require-hashes", "-r", "requirements/dev.txt")
    shutil.rmtree("dist", ignore_errors=True)
    session.run("python", "-m", "build", "--no-isolation", silent=True)
    (wheel,) = Path("dist").glob("*.whl")
    packaged = set(zipfile.ZipFile(wheel).namelist())
    carried = [path for path in sources() if path.suffix in {".py", ".sql"}]
    for path in [*carried, *(path for path in BUILT.rglob("*") if path.is_file())]:
        inner = path.relative_to(SOURCES)
        name = inner if inner.parts[0] == "profilecore" else Path("profilecore", inner)
        if name.as_posix() not in packaged:
            session.error(f"{path} is not in {wheel}")
    for name in packaged:
        if "/web/" in name and "/web/built/" not in name:
            session.error(f"{name} is in {wheel}, and nobody needs it there")
    # -S leaves site-packages out: the core has to work with nothing else installed.
    session.run("python", "-S", "-c", "import profilecore", env={"PYTHONPATH": str(wheel)})
