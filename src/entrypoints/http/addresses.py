"""Where a request came from, as far as that can be known."""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Final, TypeAlias

from profilecore.entrypoints.callers import Network
from profilecore.entrypoints.http.asgi import Head, fields

Address: TypeAlias = IPv4Address | IPv6Address

UNKNOWN: Final = "unknown"
_HOPS_MAX: Final = 32
_PORT: Final = re.compile(r"\[(?P<six>[^\]]+)\](?::\d+)?|(?P<four>[\d.]+):\d+")
_NETWORK_BITS: Final = 64


class Addresses:
    """Tells a request's address, through the proxies that are trusted to tell it.

    What X-Forwarded-For says counts where the peer is one of them: each proxy adds whom it heard to
    its end, so the last one that is no trusted proxy is the client, and what stands before that is
    its own invention.
    """

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = trusted
        self._is_trusted = lru_cache(maxsize=4_096)(self._look_up)

    def of(self, scope: Head) -> str:
        """What requests of one client are counted by: an IPv4 address, or an IPv6 network of /64.

        Whoever has an IPv6 address has all of such a network.
        """
        peer = (scope["client"] or ("", 0))[0]
        address = _address(peer) if self._trusted else None
        if address is None or not self._is_trusted(address):
            return _peer(peer)
        return _counted(self._client(address, fields(scope, b"x-forwarded-for")))

    def _client(self, peer: Address, forwarded: Sequence[str]) -> Address:
        for text in _from_the_end(forwarded):
            address = _address(text)
            if address is None:
                return peer  # the last that somebody has vouched for
            peer = address
            if not self._is_trusted(peer):
                return peer
        return peer

    def _look_up(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def _from_the_end(forwarded: Sequence[str]) -> Iterable[str]:
    return reversed(",".join(forwarded).rsplit(",", _HOPS_MAX)[-_HOPS_MAX:])


@lru_cache(maxsize=4_096)
def _peer(text: str) -> str:
    address = _address(text)
    return UNKNOWN if address is None else _counted(address)


def _address(text: str) -> Address | None:
    text = text.strip()
    with_port = _PORT.fullmatch(text)
    if with_port:
        text = with_port["six"] or with_port["four"]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or IPv6Address(int(address))  # without the name of an interface
    return address


def _counted(address: Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    network = int(address) >> _NETWORK_BITS << _NETWORK_BITS
    return f"{IPv6Address(network)}/{_NETWORK_BITS}"
