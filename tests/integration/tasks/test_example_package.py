"""The package that the how-to shows: installed by pip, found, and run."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.http import fields_at_fault, problem
from tests.support.processes import environment, serving
from tests.support.tasks import SUBMIT, read, submitted

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "greetings"

# What a worker does with it, without a store and a queue.
WORKER = """
import asyncio, json, sys, uuid

from profilecore import Attempt, Context, Invalid
from profilecore.adapters.processes import SpawnedProcesses
from profilecore.entrypoints.tasks import discovered
from profilecore.tasks import Handlers, Runner


async def main():
    handlers = Handlers(discovered(["echo"]))
    processes = SpawnedProcesses(1)
    ended = []
    for type_, payload, cancelled in json.load(sys.stdin):
        context = Context(Attempt(uuid.uuid4(), 1, 5), type_)
        if cancelled:
            context.cancel()
        try:
            handlers.check(type_, payload)
            result = await Runner(processes).run(handlers[type_], context, payload)
        except Exception as error:
            result = f"{type(error).__name__}: {error}"
        ended.append([result, context.progressed()])
    await processes.close()
    json.dump({"types": list(handlers), "queue": handlers.queue_of("greetings.print"),
               "ended": ended}, sys.stdout)


if __name__ == "__main__":
    asyncio.run(main())
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the package is installed, as `pip install` does it."""
    folder = tmp_path_factory.mktemp("example")
    source = shutil.copytree(EXAMPLE, folder / "source")  # where it is built, files are left
    pip = (sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check", "install")
    offline = ("--no-index", "--no-deps", "--no-build-isolation")
    done = subprocess.run(
        [*pip, *offline, "--target", str(folder / "site"), str(source)],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


@pytest.fixture(scope="module")
def installed(site: Path) -> dict[str, str]:
    """The environment of a process that has the package beside profilecore."""
    return environment(PYTHONPATH=str(site))


def worked(installed: dict[str, str], *tasks: tuple[str, Any, bool]) -> dict[str, Any]:
    """What became of tasks, each a type, a payload and whether it is cancelled."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WORKER],
        input=json.dumps(tasks),
        env=installed,
        cwd=os.sep,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_its_handlers_are_found(installed: dict[str, str]) -> None:
    found = worked(installed)
    assert found["types"] == ["greetings.engrave", "greetings.greet", "greetings.print"]
    assert found["queue"] == "printers"


def test_its_handlers_run_in_the_loop_in_a_thread_and_in_a_process(
    installed: dict[str, str],
) -> None:
    ada = {"name": "Ada"}
    greeted, printed, stopped, engraved, refused, given_up = worked(
        installed,
        ("greetings.greet", ada, False),
        ("greetings.print", ada | {"pages": 4}, False),
        ("greetings.print", ada, True),
        ("greetings.engrave", ada, False),
        ("greetings.greet", {}, False),
        ("greetings.print", {"name": "A\0"}, False),
    )["ended"]
    assert greeted == [{"en": "Hello, Ada!", "de": "Hallo, Ada!", "fr": "Bonjour, Ada!"}, 1.0]
    assert printed == [{"pages": 4}, 1.0]
    assert stopped == ["Stopped: ", None]
    assert engraved[0]["attempt"] == 1
    assert len(engraved[0]["pattern"]) == 64
    assert refused == ["Invalid: Not valid: payload.name.", None]
    assert given_up == ["GiveUp: a name with control characters can never be printed", None]


def test_a_service_that_has_it_runs_its_tasks(site: Path, tmp_path: Path) -> None:
    """As one does who follows the how-to: install it, start `profilecore dev`, submit."""
    with serving(tmp_path, PYTHONPATH=str(site)) as (_, api):
        for type_ in ("greetings.greet", "greetings.print", "greetings.engrave"):
            task = submitted(api, type_, payload={"name": "Ada"})
            assert read(api, task, wait=30)["status"] == "succeeded"
        refused = problem(api.post(SUBMIT, json={"type": "greetings.greet"}), 422, "invalid")
        assert fields_at_fault(refused) == ["payload.name"]
