"""The reference is complete: each table says what the code has, each command has its help."""

import re
from pathlib import Path

import pytest
import typer
from opentelemetry.sdk import environment_variables

import profilecore
from profilecore.entrypoints.cli.app import app
from tests.docs.pages import DOCS, README, ROOT, UPDATE, steps
from tests.docs.tables import TABLES

_TABLE = re.compile(r"<!-- table: (?P<name>\w+) -->\n\n(?P<body>.*?)\n\n<!-- end -->", re.DOTALL)


def _markdown() -> list[Path]:
    return [p for p in (README, *DOCS.rglob("*.md")) if "_build" not in p.parts]


@pytest.mark.parametrize("name", TABLES)
def test_a_table_says_what_the_code_has(name: str) -> None:
    made = TABLES[name]()
    places = [
        (page, found)
        for page in _markdown()
        for found in _TABLE.finditer(page.read_text())
        if found["name"] == name
    ]
    assert len(places) == 1
    ((page, found),) = places
    if UPDATE:
        text = page.read_text()
        page.write_text(text[: found.start("body")] + made + text[found.end("body") :])
    else:
        assert found["body"] == made


def test_every_command_shows_its_help() -> None:
    commands = typer.main.get_command(app)
    assert isinstance(commands, typer.core.TyperGroup)
    shown = {step.text for step in steps(DOCS / "reference" / "cli.md")}
    wanted = {f"profilecore {name} --help" for name in commands.commands}
    assert shown >= wanted | {"profilecore --help"}


def test_every_public_name_of_the_core_is_in_the_python_reference() -> None:
    shown = set(re.findall(r"^\.\. auto\w+:: (\S+)$", _python_page(), re.MULTILINE))
    assert {f"profilecore.{name}" for name in profilecore.__all__} <= shown


def _python_page() -> str:
    return (DOCS / "reference" / "python.md").read_text()


def test_every_test_that_a_page_names_is_there() -> None:
    named = {
        name
        for page in _markdown()
        for name in re.findall(r"`((?:tests|src/testing)/[\w/]+\.py(?:::\w+)*)`", page.read_text())
    }
    assert named
    for name in named:
        path, *names = name.split("::")
        source = (ROOT / path).read_text()
        for inner in names:
            assert re.search(rf"(def|class) {inner}\b|^{inner} =", source, re.MULTILINE), name


def test_every_setting_that_a_page_names_exists() -> None:
    known = set(re.findall(r"`([A-Z][A-Z_]+)`", TABLES["settings"]()))
    composed = (DOCS.parent / "deploy" / "compose.yaml").read_text()
    known |= set(re.findall(r"\$\{([A-Z_]+)", composed))
    known |= {name for name in vars(environment_variables) if name.startswith("OTEL_")}
    for page in (DOCS / "how-to").glob("*.md"):
        for name in re.findall(r"`([A-Z]+_[A-Z_]+)(?:=[^`]*)?`", page.read_text()):
            assert name in known, f"{page.name}: {name}"


def test_the_readme_has_the_two_commands_and_links_to_what_is_there() -> None:
    text = README.read_text()
    fences = re.findall(r"```sh\n(.*?)\n```", text, re.DOTALL)
    assert fences == [
        "python3 -m pip install nox uv && python3 -m nox -s dev",
        "python3 -m pip install nox uv && python3 -m nox",
    ]
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / target).exists(), target
