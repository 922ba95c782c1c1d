"""Handlers that installed packages bring: found, or refused in one line."""

import asyncio
from pathlib import Path
from uuid import uuid4

import pytest

from profilecore.entrypoints.cli.exits import ended
from profilecore.entrypoints.tasks import BadPackage, discovered

HEAD = "from profilecore import Handler\n\ndef run(context, payload): return 1\n\n"


class Packages:
    """Where packages are installed, each with one entry point at `made`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def install(self, source: str, *, name: str = "mailing") -> None:
        module = f"{name}_{uuid4().hex}"  # one that was imported stays
        (self._folder / f"{module}.py").write_text(HEAD + source)
        info = self._folder / f"{name}-1.5.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5\n")
        (info / "entry_points.txt").write_text(f"[profilecore.tasks]\npost = {module}:made\n")


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Packages:
    monkeypatch.syspath_prepend(str(tmp_path))
    return Packages(tmp_path)


def types(*taken: str) -> list[str]:
    return [handler.type for handler in discovered(taken)]


def test_without_packages_there_are_none() -> None:
    assert types("echo") == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("made = Handler(type='mail.send', run=run)", ["mail.send"]),
        ("made = [Handler(type=t, run=run) for t in ('b', 'a')]", ["b", "a"]),
        ("def made(): return Handler(type='mail.send', run=run)", ["mail.send"]),
        ("def made():\n    yield Handler(type='a', run=run)", ["a"]),
        ("made = []", []),
        ("made = Handler(type='a', run=len, process=True)", ["a"]),
    ],
)
def test_an_entry_point_gives_handlers(packages: Packages, source: str, found: list[str]) -> None:
    packages.install(source)
    assert types("echo") == found


def test_packages_come_in_order_of_their_names(packages: Packages) -> None:
    packages.install("made = Handler(type='b', run=run)", name="beta")
    packages.install("made = Handler(type='a', run=run)", name="alpha")
    assert types() == ["a", "b"]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import nowhere_to_be_found", "cannot be loaded: ModuleNotFoundError: No module named"),
        ("1 / 0", "cannot be loaded: ZeroDivisionError: division by zero."),
        ("raise ValueError('one\\ntwo')", "cannot be loaded: ValueError: one."),
        ("raise SystemExit(3)", "cannot be loaded: SystemExit: 3."),
        ("(", "cannot be loaded: SyntaxError: "),
        ("other = 1", "cannot be loaded: AttributeError: "),
        ("def made(): raise KeyError('x')", "cannot be loaded: KeyError: 'x'."),
        ("def made(one): return []", "cannot be loaded: TypeError: "),
        ("made = 7", "cannot be loaded: TypeError: "),
        ("made = None", "cannot be loaded: TypeError: "),
        ("made = [1]", "gives 1, and not a Handler"),
        ("made = 'mail'", "gives 'm', and not a Handler"),
        (
            "made = Handler(type='Mail send', run=run)",
            "has the type 'Mail send', and one is a word",
        ),
        ("made = Handler(type='a', run=lambda: 1, process=True)", "runs a in a process"),
        (
            "async def run(): ...\nmade = Handler(type='a', run=run, process=True)",
            "not a coroutine",
        ),
        ("made = Handler(type='echo', run=run)", "of type echo, and so does the service itself."),
        ("made = [Handler(type='a', run=run)] * 2", "of type a, and so does mailing 1.5 (entry"),
    ],
)
def test_what_cannot_be_used_is_one_line_that_names_it(
    packages: Packages, capsys: pytest.CaptureFixture[str], source: str, says: str
) -> None:
    packages.install(source)
    with pytest.raises(BadPackage) as raised:
        discovered(["echo"])
    said = raised.value.detail
    assert said.startswith("mailing 1.5 (entry point post = mailing_")
    assert says in said
    assert "\n" not in said
    assert ended(lambda: len(discovered(["echo"]))) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_two_packages_with_one_type_are_both_named(packages: Packages) -> None:
    packages.install("made = Handler(type='mail.send', run=run)", name="alpha")
    packages.install("made = Handler(type='mail.send', run=run)", name="beta")
    with pytest.raises(BadPackage, match=r"^beta 1\.5 .* and so does alpha 1\.5 "):
        discovered([])


async def test_what_is_found_can_be_run(packages: Packages) -> None:
    packages.install("made = Handler(type='a', run=run)")
    (handler,) = discovered([])
    assert await asyncio.to_thread(handler.run, None, {}) == 1
