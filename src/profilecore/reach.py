"""Where calls may go: to hosts that are named, at addresses that are not of the inside.

Whoever may submit a task chooses its URL, and this process can reach what they cannot: so the
name is on a list, and what it resolves to is looked at each time.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final, Self, TypeAlias

from profilecore.errors import Invalid

Address: TypeAlias = IPv4Address | IPv6Address

INTERNAL: Final = "internal="
_NAME: Final = re.compile(r"(?:\*\.)?[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*", re.ASCII)
_PORT: Final = re.compile(r"[1-9]\d{0,4}", re.ASCII)
_PORT_MAX: Final = 65_535
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Allowed:
    """One entry of the list.

    `hooks.example.com` is that host, `*.example.com` any below it, each at the port of the scheme
    or at the one that follows (`:8443`). `internal=hooks.local:8080` may be at an address of the
    inside; one that is an address itself, such as `127.0.0.1:9000`, is allowed as it stands.
    """

    host: str
    port: int | None
    internal: bool

    @classmethod
    def read(cls, text: str) -> Self:
        """Raises ValueError for what is no entry."""
        internal = text.startswith(INTERNAL)
        host, port = _host_and_port(text.removeprefix(INTERNAL).lower())
        address = address_of(host)
        if address is not None:
            return cls(str(address), port, False)
        # A number, or parts that are numbers, are addresses too to some resolvers.
        numeric = re.fullmatch(r"0x[0-9a-f]*|\d+", host.rpartition(".")[2]) is not None
        if not _NAME.fullmatch(host) or numeric or (internal and host.startswith("*")):
            raise ValueError(text)
        return cls(host, port, internal)

    def fits(self, scheme: str, host: str, port: int) -> bool:
        """Whether a URL with these may be called."""
        if port != (_PORTS[scheme] if self.port is None else self.port):
            return False
        if self.host.startswith("*."):
            return host.endswith(self.host[1:]) and host != self.host[1:]
        address = address_of(host)
        return self.host == (host if address is None else str(address))


def entry_for(
    allowed: Sequence[Allowed], scheme: str, host: str, port: int | None
) -> tuple[Allowed, int]:
    """The entry that allows a URL, and the port to call. Raises Invalid where there is none."""
    number = _PORTS[scheme] if port is None else port
    fitting = [entry for entry in allowed if entry.fits(scheme, host, number)]
    if not fitting:
        may_not = f"may not be at {host}, port {number}"
        raise Invalid.field("url", f"{may_not}: CALLBACK_HOSTS names the hosts that may be called")
    return max(fitting, key=lambda entry: entry.internal), number


def may_be_called(entry: Allowed, text: str) -> bool:
    """Whether an address that the host of an entry has resolved to may be connected to.

    Never one that is for this link alone, where clouds tell machines their secrets.
    """
    address = address_of(text.partition("%")[0])
    if address is None:
        return False
    if entry.host == str(address):
        return True
    inner = _inner(address)
    if inner.is_multicast or inner.is_unspecified or inner.is_link_local:
        return False
    return entry.internal or (inner.is_global and not _is_odd(inner))


def address_of(host: str) -> Address | None:
    """The address that a text is, in its one proper form; None for anything else."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _inner(address: Address) -> Address:
    """The IPv4 address that is called in the end, where an IPv6 one carries it."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


def _is_odd(address: Address) -> bool:
    """What the standard library counts as global, and nobody outside answers at."""
    return address.is_reserved or (isinstance(address, IPv6Address) and address.is_site_local)


def _host_and_port(text: str) -> tuple[str, int | None]:
    if address_of(text) is not None:
        return text, None
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, ""
    elif not _PORT.fullmatch(port) or int(port) > _PORT_MAX:
        raise ValueError(text)
    if host.startswith("[") and host.endswith("]"):
        host = str(ipaddress.IPv6Address(host[1:-1]))
    return host, int(port) if port else None
