"""What sessions have in common."""

import os
import shutil
from pathlib import Path

import nox


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


def pytest(session: nox.Session, *paths: str, more: int = 0, dealt: str = "loadfile") -> None:
    """Run pytest on the paths, or on what stands after `--`; finding no test is a failure.

    A process for each core, and some `more` where tests wait for servers. A file stays with one
    process, so that its servers are started once, unless they are `dealt` otherwise.
    """
    processes = str((os.cpu_count() or 1) + more)
    together = ("--numprocesses", processes, "--dist", dealt, "--no-loadscope-reorder")
    session.run("pytest", "--durations=10", *(session.posargs or (*together, *paths)))
