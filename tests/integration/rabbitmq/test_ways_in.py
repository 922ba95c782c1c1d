"""TLS and credentials: what the address asks for is what is spoken, or nothing is."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from profilecore.adapters.rabbitmq import RabbitAddress
from tests.integration.rabbitmq.ways import fails, opened, put, taken
from tests.support.certificates import certificate
from tests.support.ports import free_port
from tests.support.rabbitmq import RabbitProcess


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitAddress]:
    """On a server that speaks TLS alone, as `localhost`."""
    folder, port = tmp_path_factory.mktemp("secured"), free_port()
    path = certificate(folder, "localhost")
    settings = (
        f"listeners.ssl.1 = 127.0.0.1:{port}",
        f"ssl_options.certfile = {path}",
        f"ssl_options.keyfile = {path.with_suffix('.key')}",
        f"ssl_options.cacertfile = {path}",
        "ssl_options.verify = verify_none",
        "ssl_options.fail_if_no_peer_cert = false",
    )
    with RabbitProcess(folder, *settings, plain=False):
        uri = f"amqps://guest:guest@localhost:{port}/"
        yield RabbitAddress.from_uri(uri, ca_file=os.fspath(path))


async def test_a_certificate_that_is_right_is_taken(secured: RabbitAddress) -> None:
    async with opened(secured) as queue:
        await queue.ping()
        task = await put(queue)
        assert (await taken(queue)).task_id == task


async def test_another_certificate_or_name_is_refused(
    secured: RabbitAddress, tmp_path: Path
) -> None:
    ((_, port),) = secured.hosts
    for address in (
        replace(secured, ca_file=None),
        replace(secured, ca_file=str(certificate(tmp_path, "elsewhere"))),
        replace(secured, hosts=(("127.0.0.1", port),)),
    ):
        async with opened(address) as queue:
            assert "certificate" in (await fails(queue.ping)).detail


async def test_a_file_of_certificates_that_is_not_there_is_said(secured: RabbitAddress) -> None:
    async with opened(replace(secured, ca_file="/nowhere.pem")) as queue:
        assert "cannot be read" in (await fails(queue.ping)).detail


async def test_speaking_plainly_to_tls_fails(secured: RabbitAddress) -> None:
    async with opened(replace(secured, tls=False)) as queue:
        assert (await fails(queue.ping)).detail


async def test_a_wrong_password_or_virtual_host_is_said(server: RabbitProcess) -> None:
    for address, words in (
        (replace(server.address, password="wr0ng"), "refused the username or password"),
        (replace(server.address, vhost="nowhere"), "no such virtual host"),
    ):
        turns: list[str] = []
        async with opened(address, turned=lambda _, what, t=turns: t.append(what)) as queue:
            error = await fails(queue.ping)
            assert words in error.detail
        assert "wr0ng" not in f"{turns} {address!r} {error!r} {error.__cause__!r}"
        assert len(turns) == 1, "it is said once"
