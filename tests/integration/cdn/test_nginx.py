"""A real nginx in front of the real service: it serves images from their folder by itself."""

from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import httpx
import pytest

from profilecore.testing.blobs import image
from tests.integration.cdn.conftest import Images
from tests.support.http import created, path_of, problem
from tests.support.nginx import NginxProcess
from tests.support.processes import Server

# What the service says of a file, but for its tag, which is nginx's own.
SAME = (
    *("content-type", "content-length", "cache-control", "accept-ranges"),
    *("x-content-type-options", "content-security-policy", "cross-origin-resource-policy"),
)


@pytest.fixture(scope="module")
def nginx(
    server: Server, images: Images, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[NginxProcess]:
    folder = tmp_path_factory.mktemp("nginx")
    with NginxProcess(folder, server.port, images.folder) as nginx:
        yield nginx


@pytest.fixture
def client(nginx: NginxProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=nginx.url, timeout=30, trust_env=False) as client:
        yield client


def by_itself(answer: httpx.Response) -> bool:
    """Whether nginx has answered, and not the service."""
    return "x-request-id" not in answer.headers


def test_the_configuration_is_one(tmp_path: Path) -> None:
    checked = NginxProcess(tmp_path / "nginx", 8080, tmp_path).check()
    assert checked.returncode == 0, checked.stderr
    assert "warn" not in checked.stderr


def test_a_file_is_served_as_the_service_serves_it(
    client: httpx.Client, server: Server, images: Images
) -> None:
    for path in images.put(11):
        answer = client.get(path)
        assert (answer.status_code, answer.text) == (200, path)
        assert by_itself(answer)
        with server.client() as direct:
            own = direct.get(path)
        for name in SAME:
            assert answer.headers.get_list(name) == own.headers.get_list(name), name
        head = client.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(path))


def test_parts_and_conditions(client: httpx.Client, images: Images) -> None:
    path = images.put(12)[0]
    part = client.get(path, headers={"Range": "bytes=1-5"})
    assert (part.status_code, part.text) == (206, "media")
    assert part.headers["cache-control"].endswith("immutable")
    assert client.get(path, headers={"Range": "bytes=9999-"}).status_code == 416
    assert client.get(path, headers={"Range": "bytes=0-1,3-4"}).status_code == 200
    tag = client.get(path).headers["etag"]
    assert not tag.startswith("W/")
    known = client.get(path, headers={"If-None-Match": tag})
    assert (known.status_code, known.content) == (304, b"")


def test_an_erased_image_is_gone_at_once(client: httpx.Client, images: Images) -> None:
    """And that it is not there is said by the service, in a way that nobody keeps."""
    path = images.put(13)[0]
    assert client.get(path).status_code == 200
    images.delete(13)
    answer = client.get(path)
    problem(answer, 404, "not_found")
    assert answer.headers["cache-control"] == "no-store"


def asked(nginx: NginxProcess, path: str) -> tuple[int, str]:
    """What comes of a path as it is written, which httpx would put in order."""
    connection = HTTPConnection("127.0.0.1", nginx.port, timeout=30)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize(
    "path",
    [
        *("/media", "/media/", "/media/secret", "/media/../secret", "/media/%2e%2e/secret"),
        *("/media/.arriving/secret", "/media//secret", "/media/ab/../secret"),
        *(f"/media/{image(14)[:2]}{end}" for end in ("", "/", f"/{image(14)}", f"/{image(14)}/")),
    ],
)
def test_nothing_else_of_the_folder_is_served(
    nginx: NginxProcess, images: Images, path: str
) -> None:
    images.put(14)
    for folder in (images.folder, images.folder.parent, images.folder / ".arriving"):
        (folder / "secret").write_text("the secret")
    status, text = asked(nginx, path)
    assert status == 404
    assert "the secret" not in text
    assert "thumb" not in text


@pytest.mark.parametrize(
    ("there", "here"),
    [
        ("webp", "webp?x=1"),
        ("webp", "webp?"),
        ("webp", "webp/"),
        ("/media/", "/media//"),
        ("/media/", "//media/"),
        ("/media/", "/media/./"),
        ("thumb", "%74humb"),
    ],
)
def test_a_file_has_one_spelling(
    nginx: NginxProcess, images: Images, there: str, here: str
) -> None:
    path = images.put(15)[0]
    assert asked(nginx, path) == (200, path)
    status, _ = asked(nginx, path.replace(there, here))
    assert status in (400, 404)


def test_everything_else_is_passed_on(client: httpx.Client) -> None:
    profile = created(client)
    answer = client.get(path_of(profile))
    assert answer.json()["profile"] == profile
    assert not by_itself(answer)
    assert client.delete(path_of(profile)).status_code == 204
    with client.stream("GET", "/api/v1/events", params={"after": 0}) as events:
        assert events.status_code == 200
        assert any("profile.created" in line for line in events.iter_lines())
