"""`serve` behind nginx, as a fleet has it: the page, uploads, the feed, and who calls."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, FilePayload, expect

from tests.support import callers
from tests.support.browser import visiting
from tests.support.http import created
from tests.support.nginx import EXECUTABLE, STOP_MAX
from tests.support.pictures import encoded, photograph
from tests.support.ports import free_port
from tests.support.processes import Server

_CONFIGURATION = """\
{user}daemon off;
worker_processes 1;
pid {folder}/pid;
error_log stderr;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_max_body_size {largest};
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{backend};
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Connection "";
            proxy_set_header X-Forwarded-For $remote_addr;
        }}
    }}
}}
"""


@contextmanager
def nginx(folder: Path, backend: int, largest: str = "11m") -> Iterator[str]:
    """The address of an nginx that passes everything on, but no body that is larger."""
    assert EXECUTABLE.exists(), "nginx is missing; on Debian: apt-get install nginx-light"
    folder.mkdir()
    port = free_port()
    user = "user root;\n" if os.geteuid() == 0 else ""
    places = {"user": user, "folder": folder, "port": port, "backend": backend}
    text = _CONFIGURATION.format(largest=largest, **places)
    (folder / "nginx.conf").write_text(text)
    command = [str(EXECUTABLE), "-p", str(folder), "-c", f"{folder}/nginx.conf", "-e", "stderr"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(process, url)
        yield url
    finally:
        process.terminate()
        process.wait(STOP_MAX)


def _wait(process: "subprocess.Popen[bytes]", url: str) -> None:
    deadline = time.monotonic() + 10
    while True:
        assert process.poll() is None
        assert time.monotonic() < deadline
        try:
            httpx.get(f"{url}/health/live", timeout=5, trust_env=False)
            return
        except httpx.TransportError:
            time.sleep(0.02)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address in front, and a token."""
    folder = tmp_path_factory.mktemp("served")
    settings = {"AUTH_MODE": "token", "DATABASE": "sqlite", "TRUSTED_PROXIES": "loopback"}
    settings |= {"SERVER_HOST": "127.0.0.1"}
    token = callers.token(folder, callers.ALL, **settings)
    with (
        Server(folder, command="serve", **settings) as server,
        nginx(folder / "nginx", server.port) as url,
    ):
        yield url, token


def test_a_flow_from_sign_in_to_an_image(browser: Browser, served: tuple[str, str]) -> None:
    url, token = served
    with visiting(browser, url, refused=(401,)) as visitor:
        page = visitor.page
        visitor.open()
        page.get_by_label("Token").fill(token)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
        with httpx.Client(base_url=url, headers=callers.bearer(token), trust_env=False) as api:
            created(api, name="From elsewhere")
        row = page.get_by_role("row").filter(has_text="From elsewhere")
        expect(row).to_be_visible()
        row.get_by_role("link").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("From elsewhere")
        picture = FilePayload(
            name="a.jpg", mimeType="image/jpeg", buffer=encoded(photograph(400, 300))
        )
        page.get_by_label("Choose images").set_input_files(picture)
        page.get_by_role("button", name="Upload 1 image").click()
        shown = page.locator("figure img:not(.preview)")
        expect(shown).to_have_count(1)
        width = "img => img.decode().then(() => img.naturalWidth)"
        assert shown.evaluate(width) == 300
        page.get_by_role("link", name="Tasks").click()
        page.get_by_role("button", name="New task").click()
        page.get_by_role("button", name="Submit").click()
        # Nobody works here: `profilecore worker` would.
        expect(page.get_by_role("row").filter(has_text="echo")).to_contain_text("scheduled")
        page.get_by_role("link", name="System").click()
        expect(page.get_by_role("listitem").filter(has_text="Database")).to_contain_text("healthy")


def test_an_image_that_is_too_large_for_the_proxy(
    browser: Browser, server: Server, tmp_path: Path
) -> None:
    """It knows nothing of problem documents; the page says what 413 means all the same."""
    with nginx(tmp_path / "small", server.port, "40k") as url, server.client() as api:
        profile = created(api)
        picture = encoded(photograph(1600, 1200))
        assert len(picture) > 41_000
        with visiting(browser, url, refused=(413,)) as visitor:
            page = visitor.page
            visitor.open(f"profiles/{profile['id']}")
            chosen = FilePayload(name="a.jpg", mimeType="image/jpeg", buffer=picture)
            page.get_by_label("Choose images").set_input_files(chosen)
            page.get_by_label("As a square").uncheck()
            page.get_by_role("button", name="Upload 1 image").click()
            expect(page.get_by_role("alert")).to_contain_text("more than is taken")


def test_the_headers_come_through(served: tuple[str, str]) -> None:
    url, _ = served
    response = httpx.get(f"{url}/", trust_env=False)
    assert "script-src 'self'" in response.headers["content-security-policy"]
    assert response.headers["cache-control"] == "no-cache"
    tag = response.headers["etag"]
    known = httpx.get(f"{url}/", headers={"If-None-Match": tag}, trust_env=False)
    assert known.status_code == 304
