"""Calls that are signed, and go where they may."""

import asyncio
import base64
import hashlib
import hmac
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias
from uuid import UUID

import httpx

from profilecore.adapters.callback.asked import Asked
from profilecore.adapters.callback.errors import translated
from profilecore.errors import Invalid, Unavailable
from profilecore.reach import Allowed, entry_for, may_be_called
from profilecore.tasks import Context, GiveUp

CONNECT_MAX: Final = 5.0
BODY_READ: Final = 64 * 1024
BODY_SHOWN: Final = 4_000
_AGAIN: Final = (408, 425, 429)
_SECRET: Final = "whsec_"  # noqa: S105 - how Standard Webhooks mark one

Resolver: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""Gives the addresses of a host. Raises OSError where there is none."""


async def resolved(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, as the system has them."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


class Callbacks:
    """Posts JSON to hosts that are `allowed`, signed as Standard Webhooks have it.

    `secret` is `whsec_` and the key in base64. Each call takes at most `time_max` seconds. The
    name is resolved once, and the call goes to an address that was looked at, by TLS with the
    name; who may sign certificates is what certifi says, or a file that SSL_CERT_FILE names.
    """

    def __init__(
        self,
        allowed: Sequence[Allowed],
        secret: str,
        *,
        time_max: float,
        headers: Callable[[], Mapping[str, str]] = dict,
        resolver: Resolver = resolved,
    ) -> None:
        self._allowed = allowed
        self._key = base64.b64decode(secret.removeprefix(_SECRET))
        self._more = headers
        self._resolver = resolver
        self._time_max = time_max
        self._context: ssl.SSLContext | None = None

    def check(self, payload: Mapping[str, Any]) -> None:
        """Raise Invalid for a call that would not be made."""
        self._ready(payload)

    async def run(self, context: Context, payload: Mapping[str, Any]) -> Any:
        """Call, and give the status and the beginning of the answer."""
        try:
            asked, entry, port = self._ready(payload)
        except Invalid as error:  # it was allowed when it was submitted
            reasons = "; ".join(f"{e.field} {e.message}" for e in error.errors)
            raise GiveUp(reasons or error.detail) from error
        try:
            async with asyncio.timeout(self._time_max):
                addresses = await self._addresses(asked, entry, port)
                status, body = await self._call(context.attempt.task_id, asked, addresses)
        except TimeoutError as error:
            detail = f"{asked.host} did not answer within {self._time_max:g} s."
            raise Unavailable(detail) from error
        return _result(asked.host, status, body)

    def _ready(self, payload: Mapping[str, Any]) -> tuple[Asked, Allowed, int]:
        asked = Asked.of(payload)
        return asked, *entry_for(self._allowed, asked.url.scheme, asked.host, asked.url.port)

    async def _addresses(self, asked: Asked, entry: Allowed, port: int) -> list[str]:
        try:
            found = await self._resolver(asked.host, port)
        except (OSError, UnicodeError) as error:
            raise Unavailable(f"The host {asked.host} was not found.") from error
        allowed = [address for address in found if may_be_called(entry, address)]
        if not allowed:
            raise GiveUp(
                f"{asked.host} is at an address of the inside, which may not be called; where it"
                f" should be, CALLBACK_HOSTS takes internal={asked.host}."
            )
        return allowed

    async def _call(self, task_id: UUID, asked: Asked, addresses: list[str]) -> tuple[int, bytes]:
        # A client for each call: a connection that was kept is told by its address alone, and may
        # have been opened for another name.
        async with httpx.AsyncClient(
            verify=self._trusted(),
            trust_env=False,  # a proxy would resolve the name once more
            follow_redirects=False,
            timeout=httpx.Timeout(self._time_max, connect=CONNECT_MAX),
        ) as client:
            *others, last = addresses
            for address in others:
                try:
                    return await self._answer(client, task_id, asked, address)
                except Unavailable as error:
                    if not isinstance(error.__cause__, httpx.ConnectError | httpx.ConnectTimeout):
                        raise
            return await self._answer(client, task_id, asked, last)

    async def _answer(
        self, client: httpx.AsyncClient, task_id: UUID, asked: Asked, address: str
    ) -> tuple[int, bytes]:
        with translated(asked.host):
            request = client.build_request(
                "POST",
                asked.url.copy_with(host=address),
                content=asked.body,
                headers=self._headers(task_id, asked),
                extensions={"sni_hostname": asked.host},
            )
            response = await client.send(request, stream=True)
            try:
                body = b""
                async for part in response.aiter_raw():
                    body += part
                    if len(body) >= BODY_READ:
                        break
            finally:
                await response.aclose()
        return response.status_code, body[:BODY_READ]

    def _headers(self, task_id: UUID, asked: Asked) -> httpx.Headers:
        at = str(int(time.time()))
        signed = f"{task_id}.{at}.".encode() + asked.body
        signature = base64.b64encode(hmac.digest(self._key, signed, hashlib.sha256))
        headers = httpx.Headers({"Accept": "application/json, */*;q=0.1"})
        ours = {
            "Host": asked.url.netloc.decode("ascii"),
            "User-Agent": "profilecore",
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",  # what is unpacked may be any size
            "Connection": "close",
            "Idempotency-Key": str(task_id),
            "Webhook-Id": str(task_id),
            "Webhook-Timestamp": at,
            "Webhook-Signature": f"v1,{signature.decode()}",
        }
        for name, value in (*self._more().items(), *asked.headers.items(), *ours.items()):
            headers[name] = value  # in any case of its letters, once
        return headers

    def _trusted(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = httpx.create_ssl_context()
        return self._context


def _result(host: str, status: int, body: bytes) -> dict[str, Any]:
    if httpx.codes.is_success(status):
        text = body.decode("utf-8", "replace").replace("\0", "\ufffd")
        return {"status": status, "body": text[:BODY_SHOWN]}
    if httpx.codes.is_redirect(status):
        raise Unavailable(f"{host} answered {status}: a redirect, and none is followed.")
    if httpx.codes.is_client_error(status) and status not in _AGAIN:
        raise GiveUp(f"{host} answered {status}.")
    raise Unavailable(f"{host} answered {status}.")
