"""Images over HTTP: forms as clients send them, and as none should."""

import time
from collections.abc import Callable
from typing import Any, Final

import httpx

from tests.support.http import path_of, problem

BOUNDARY: Final = "a-boundary"
MULTIPART: Final = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
GONE_MAX: Final = 20.0


def part(
    data: bytes,
    name: bytes = b"image",
    filename: bytes | None = b"a.jpg",
    kind: bytes | None = b"application/octet-stream",
) -> bytes:
    """One part of a form, to the byte."""
    named = b"" if filename is None else b'; filename="' + filename + b'"'
    head = b'Content-Disposition: form-data; name="' + name + b'"' + named
    head += b"" if kind is None else b"\r\nContent-Type: " + kind
    return b"--" + BOUNDARY.encode() + b"\r\n" + head + b"\r\n\r\n" + data + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--" + BOUNDARY.encode() + b"--\r\n"


def images_of(profile: dict[str, Any]) -> str:
    return f"{path_of(profile)}/images"


def upload(
    client: httpx.Client, profile: dict[str, Any], data: bytes, **headers: str
) -> httpx.Response:
    return client.post(images_of(profile), content=form(part(data)), headers=MULTIPART | headers)


def uploaded(client: httpx.Client, profile: dict[str, Any], data: bytes) -> dict[str, Any]:
    """The image as the answer to its upload shows it."""
    response = upload(client, profile, data)
    assert response.status_code == 201, response.text
    image: dict[str, Any] = response.json()
    return image


def images(client: httpx.Client, profile: dict[str, Any]) -> list[dict[str, Any]]:
    """Those that a profile has."""
    response = client.get(images_of(profile))
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()
    return found


def files_of(image: dict[str, Any]) -> dict[str, int]:
    """The URLs of its six files, each with how long the file is."""
    files: dict[str, int] = {}
    for variant in image["variants"].values():
        files[variant["url"]] = variant["bytes"]
        files[variant["jpeg"]["url"]] = variant["jpeg"]["bytes"]
    assert len(files) == 6
    return files


def assert_whole(client: httpx.Client, image: dict[str, Any]) -> None:
    """Each of its files is there, to the last byte."""
    for url, size in files_of(image).items():
        response = client.get(url)
        assert (response.status_code, len(response.content)) == (200, size), url


def gone(client: httpx.Client, image: dict[str, Any], seconds: float = GONE_MAX) -> None:
    """Return once none of its files is there."""
    deadline = time.monotonic() + seconds
    for url in files_of(image):
        while (response := client.get(url)).status_code != 404:
            assert time.monotonic() < deadline, f"{url} is still there"
            time.sleep(0.02)
        problem(response, 404, "not_found")


def until(look: Callable[[], object], seconds: float, what: str) -> None:
    """Wait for something that has to come."""
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
