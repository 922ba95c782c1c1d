"""Whose request it is, where proxies pass it on and where somebody pretends that they do."""

from collections.abc import Sequence
from typing import Any

import pytest

from profilecore.entrypoints.callers import PROXIES
from profilecore.entrypoints.http.addresses import UNKNOWN, Addresses

TRUSTED = "loopback, 10.0.0.0/8, fd00::/8"


def told(client: Any, forwarded: Sequence[str] = (), trusted: str | None = TRUSTED) -> str:
    scope: Any = {
        "type": "http",
        "client": client,
        "headers": [(b"x-forwarded-for", line.encode("latin-1")) for line in forwarded],
    }
    addresses = Addresses(() if trusted is None else PROXIES.parse(trusted))
    return addresses.of(scope)


@pytest.mark.parametrize(
    ("client", "forwarded", "address"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),  # nobody has to believe that one
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1, 10.9.9.9"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1", "198.51.100.1 ,10.9.9.9"], "198.51.100.1"),
        ("10.0.0.1", ["10.2.2.2, 10.3.3.3"], "10.2.2.2"),
        ("10.0.0.1", ["1.1.1.1, unknown, 10.9.9.9"], "10.9.9.9"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["1.1.1.1,"], "10.0.0.1"),
        ("10.0.0.1", ["127.0.0.1.evil"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("10.0.0.1", ["[2001:db8::7]:4711"], "2001:db8::/64"),
        ("10.0.0.1", ["2001:db8:0:1:2:3:4:5"], "2001:db8:0:1::/64"),
        ("10.0.0.1", ["2001:db8:0:1:ffff::1"], "2001:db8:0:1::/64"),
        ("::ffff:10.0.0.1", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("::1", ["198.51.100.1"], "198.51.100.1"),
        ("fe80::1%eth0", [], "fe80::/64"),
        ("fd00::1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, " + ", ".join(["10.0.0.2"] * 40)], "10.0.0.2"),
        ("10.0.0.1", ["\xff\xfe"], "10.0.0.1"),
    ],
)
def test_the_last_that_is_no_trusted_proxy(client: str, forwarded: list[str], address: str) -> None:
    assert told((client, 1), forwarded) == address


def test_without_trusted_proxies_nobody_is_believed() -> None:
    assert told(("127.0.0.1", 1), ["198.51.100.1"], None) == "127.0.0.1"


@pytest.mark.parametrize("client", [None, ("", 0), ("/run/service.sock", 0), ("testclient", 5)])
def test_a_peer_without_an_address_is_one_for_all(client: Any) -> None:
    assert told(client, ["198.51.100.1"]) == UNKNOWN
