"""What sessions have in common."""

import json
import os
import shutil
from pathlib import Path

import nox

ALONE_MAX = 10
"""How many failed tests may have failed for what else was going on."""


def install(session: nox.Session) -> None:
    """Install the locked environment, then the project as a strict editable.

    The strict mode links the files that exist now, so it is repeated on each run, and with
    `session.run`, because `nox -R` leaves out what `session.install` does.
    """
    # Where the environment says that nothing is kept, each process compiles all that it imports.
    session.env["PYTHONDONTWRITEBYTECODE"] = ""
    session.install("--require-hashes", "-r", "requirements/dev.txt")
    uv = session.venv_backend == "uv"
    session.run(
        *(("uv",) if uv else ("python", "-m")),
        *("pip", "install", "--no-deps", "--no-build-isolation", "--editable", "."),
        *("--config-settings", "editable_mode=strict"),
        external=uv,
        silent=True,
    )


def require(session: nox.Session, **packages: str) -> None:
    """Make sure that commands and files exist, given as `command="Debian package"`."""
    missing = sorted({package for name, package in packages.items() if not _exists(name)})
    if not missing:
        return
    names = " ".join(missing)
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if not shutil.which("apt-get") or not (root or shutil.which("sudo")):
        session.error(f"This session needs system packages. Please install: {names}")
    prefix = ["env"] if root else ["sudo", "-n", "env"]
    apt = [*prefix, "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"]
    try:
        session.run(*apt, "update", external=True, silent=True)
        session.run(*apt, "install", "--no-install-recommends", *missing, external=True)
    except nox.command.CommandFailed:
        session.error(f"apt-get could not install system packages. Please install: {names}")


def _exists(name: str) -> bool:
    return shutil.which(name) is not None or Path(name).is_file()


def pytest(
    session: nox.Session,
    *paths: str,
    more: int = 0,
    dealt: str = "loadfile",
    alone: bool = False,
) -> None:
    """Run pytest on the paths, or on what stands after `--`; finding no test is a failure.

    A process for each core, and some `more` where tests wait for servers. A file stays with one
    process, so that its servers are started once, unless they are `dealt` otherwise.

    Those that promise something within a time may miss it for what the others do. With `alone`,
    a few that failed are tried once more by themselves, which decides; what failed is said anyway.
    """
    if session.posargs:
        session.run("pytest", "--durations=10", *session.posargs)
        return
    processes = str((os.cpu_count() or 1) + more)
    together = ("--numprocesses", processes, "--dist", dealt, "--no-loadscope-reorder")
    cache = Path(session.virtualenv.location).resolve() / "pytest"
    shutil.rmtree(cache, ignore_errors=True)
    kept = ("-o", f"cache_dir={cache}")
    try:
        session.run("pytest", "--durations=10", *kept, *together, *paths)
    except nox.command.CommandFailed:
        failed = _failed(cache)
        if not alone or not 0 < len(failed) <= ALONE_MAX:
            raise
        session.warn("What failed beside others is tried alone.")
        session.run("pytest", *kept, "--last-failed", "--last-failed-no-failures=none", *paths)
        _say(session, f"Passed alone, after failing beside others: {', '.join(failed)}")


def _failed(cache: Path) -> list[str]:
    """The tests that the last run with this cache says have failed."""
    path = cache / "v" / "cache" / "lastfailed"
    return sorted(json.loads(path.read_text())) if path.exists() else []


def _say(session: nox.Session, text: str) -> None:
    """Say it here, and where it is looked at: at the end of CI."""
    session.warn(text)
    kept = os.environ.get("FAILURES_FILE")
    if kept:
        with Path(kept).open("a") as file:
            file.write(f"{text}\n\n")
