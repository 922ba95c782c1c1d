"""What settings say of callers: how much they may ask for, and by whom they are passed on."""

import ipaddress
from ipaddress import IPv4Network, IPv6Network
from typing import Final, TypeAlias

from profilecore.entrypoints.variables import Kind
from profilecore.limits import Rate

Network: TypeAlias = IPv4Network | IPv6Network

_LOOPBACK: Final = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))


def _proxies(text: str) -> tuple[Network, ...]:
    found: list[Network] = []
    for part in text.split(","):
        name = part.strip()
        found += _LOOPBACK if name == "loopback" else [_network(name)]
    return tuple(found)


def _network(text: str) -> Network:
    network = ipaddress.ip_network(text)
    if not network.prefixlen:  # whoever trusts everybody lets everybody say who they are
        raise ValueError(text)
    return network


RATE = Kind("so many in so much time, such as 50/s, 600/m or 600/m,burst=50", Rate.read)
PROXIES = Kind("loopback, 10.0.0.0/8 or 192.0.2.7, several separated by commas", _proxies)
