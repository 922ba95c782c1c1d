"""A real Prometheus with the configuration in deploy/, that looks at servers on this machine."""

import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import httpx

from tests.support.ports import free_port
from tests.support.started import StartedWeb

FOLDER: Final = Path(__file__).parents[2] / "deploy" / "prometheus"
START_MAX: Final = 30.0
STOP_MAX: Final = 30.0


class PrometheusProcess(StartedWeb):
    """Prometheus in `folder`, which scrapes every second and evaluates the rules as often."""

    def __init__(self, folder: Path, servers: Sequence[int], workers: Sequence[int]) -> None:
        assert shutil.which("prometheus"), "on Debian: apt-get install prometheus"
        self.folder = folder
        self.port = free_port()
        self._targets = {"server-1:8081, server-2:8081": servers, "worker:8081": workers}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.copytree(FOLDER / "rules", self.folder / "rules")
        (self.folder / "prometheus.yml").write_text(self._configured())
        with (self.folder / "prometheus.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={self.folder}/prometheus.yml",
                    f"--storage.tsdb.path={self.folder}/data",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                    "--log.level=warn",
                ],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_MAX
        while not self._is_ready():
            assert self._process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.05)

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_MAX)
            self._process = None

    @property
    def log(self) -> str:
        return (self.folder / "prometheus.log").read_text(errors="replace")

    def asked(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """What an expression gives now: labels and values."""
        found = self._get("query", query=expression)
        if found["resultType"] == "scalar":
            return [({}, float(found["result"][1]))]
        return [(row["metric"], float(row["value"][1])) for row in found["result"]]

    def alerts(self) -> list[dict[str, Any]]:
        """The alerts that are pending or firing."""
        found: list[dict[str, Any]] = self._get("alerts")["alerts"]
        return found

    def targets(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._get("targets")["activeTargets"]
        return found

    def faults(self) -> list[str]:
        """What the rules could not be evaluated for."""
        groups = self._get("rules")["groups"]
        return [
            rule["lastError"] for group in groups for rule in group["rules"] if "lastError" in rule
        ]

    def _get(self, path: str, **query: str) -> Any:
        response = httpx.get(f"{self.url}/api/v1/{path}", params=query, timeout=30, trust_env=False)
        assert response.status_code == 200, response.text
        return response.json()["data"]

    def _is_ready(self) -> bool:
        try:
            found = httpx.get(f"{self.url}/-/ready", timeout=5, trust_env=False)
        except httpx.TransportError:
            return False
        return found.status_code == 200

    def _configured(self) -> str:
        """The file as it is, with the ports of here, and little time between two scrapes."""
        text = (FOLDER / "prometheus.yml").read_text()
        changes = {
            "scrape_interval: 15s": "scrape_interval: 1s",
            "scrape_timeout: 5s": "scrape_timeout: 1s",
            "evaluation_interval: 15s": "evaluation_interval: 1s",
            "localhost:9090": f"127.0.0.1:{self.port}",
        }
        for targets, ports in self._targets.items():
            changes[f"[{targets}]"] = f"[{', '.join(f'127.0.0.1:{port}' for port in ports)}]"
        for there, here in changes.items():
            assert text.count(there) == 1, there
            text = text.replace(there, here)
        return text
