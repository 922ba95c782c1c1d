"""Secrets from files, as containers get them."""

import traceback
from pathlib import Path

import pytest

from profilecore.entrypoints.settings import Settings
from profilecore.entrypoints.variables import BadSetting, Secret

VALUES = {
    "DB_PASSWORD": "hunter2",
    "REDIS_PASSWORD": "swordfish",
    "QUEUE_URI": "amqp://u:sesame@mq/",
}


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_secret_is_read_from_its_file(tmp_path: Path, name: str, end: str) -> None:
    path = tmp_path / "secret"
    path.write_text(VALUES[name] + end, newline="")
    settings = Settings.read("dev", {f"{name}_FILE": str(path)})
    assert getattr(settings, name.lower()) == Secret(VALUES[name])
    assert {row.name: row.origin for row in settings.rows}[name] == f"file '{path}'"


def test_only_the_last_line_end_is_taken_off(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(" a\n\n")
    settings = Settings.read("dev", {"DB_PASSWORD_FILE": str(tmp_path / "secret")})
    assert settings.db_password == Secret(" a\n")


def test_a_secret_given_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a")
    env = {"DB_PASSWORD": "hunter2", "DB_PASSWORD_FILE": str(tmp_path / "secret")}
    with pytest.raises(BadSetting, match=r"^DB_PASSWORD_FILE and DB_PASSWORD are both set"):
        Settings.read("dev", env)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, r"cannot be read: .*No such file"),
        (b"hunter2\xff", r"cannot be read: .*not UTF-8"),
        (b"", "is empty"),
        (b"\n", "is empty"),
    ],
)
def test_a_file_that_holds_no_secret_is_refused(
    tmp_path: Path, content: bytes | None, problem: str
) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadSetting, match=problem) as caught:
        Settings.read("dev", {"DB_PASSWORD_FILE": str(path)})
    assert str(caught.value).startswith("DB_PASSWORD_FILE ")
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__cause__ is None


def test_only_secrets_have_files(tmp_path: Path) -> None:
    path = tmp_path / "port"
    path.write_text("9000")
    assert Settings.read("dev", {"SERVER_PORT_FILE": str(path)}).server_port == 8080
