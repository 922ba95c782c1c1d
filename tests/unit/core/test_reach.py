"""Where calls may go."""

# ruff: noqa: S104 - addresses that are to be refused

import pytest

from profilecore.errors import Invalid
from profilecore.reach import Allowed, entry_for, may_be_called

LINK_LOCAL = ["169.254.169.254", "169.254.0.1", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254"]
NOWHERE = ["0.0.0.0", "::", "224.0.0.1", "239.255.0.1", "ff02::1", "::ffff:0.0.0.0"]
INSIDE = [
    *("127.0.0.1", "127.255.0.9", "10.0.0.1", "172.16.5.4", "192.168.1.1", "100.64.0.1"),
    *("192.0.2.1", "198.18.0.1", "240.0.0.1", "255.255.255.255"),
    *("::1", "fc00::1", "fd00:ec2::254", "fec0::1", "2001:db8::1", "::127.0.0.1"),
    # IPv4 in IPv6: mapped, 6to4, Teredo and NAT64.
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "2001::80ff:fffe"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1"),
]
OUTSIDE = ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
NO_ADDRESS = ["", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "017700000001", "example.com"]


@pytest.mark.parametrize("address", [*LINK_LOCAL, *NOWHERE, *INSIDE, *NO_ADDRESS])
def test_a_host_outside_may_not_be_at_an_address_inside(address: str) -> None:
    assert not may_be_called(Allowed.read("hooks.example.com"), address)
    assert not may_be_called(Allowed.read("10.9.9.9"), address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_a_host_outside_is_called(address: str) -> None:
    assert may_be_called(Allowed.read("hooks.example.com"), address)


@pytest.mark.parametrize("address", [a for a in INSIDE if "a9fe" not in a])
def test_a_host_that_is_said_to_be_inside_is_called(address: str) -> None:
    assert may_be_called(Allowed.read("internal=hooks.local"), address)


@pytest.mark.parametrize("address", [*LINK_LOCAL, *NOWHERE, *NO_ADDRESS, "64:ff9b::a9fe:a9fe"])
def test_a_host_inside_may_not_be_on_the_link_or_nowhere(address: str) -> None:
    assert not may_be_called(Allowed.read("internal=hooks.local"), address)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "169.254.169.254"])
def test_an_address_that_is_named_may_be_called(address: str) -> None:
    assert may_be_called(Allowed.read(address), address)


@pytest.mark.parametrize(
    ("entry", "scheme", "host", "port"),
    [
        ("hooks.example.com", "https", "hooks.example.com", None),
        ("hooks.example.com", "https", "hooks.example.com", 443),
        ("hooks.example.com", "http", "hooks.example.com", 80),
        ("Hooks.Example.com", "http", "hooks.example.com", None),
        ("hooks.example.com:8443", "https", "hooks.example.com", 8443),
        ("*.example.com", "https", "a.b.example.com", None),
        ("internal=hooks", "http", "hooks", None),
        ("127.0.0.1:9000", "http", "127.0.0.1", 9000),
        ("[::1]:9000", "http", "::1", 9000),
        ("::1", "http", "0:0:0:0:0:0:0:1", None),
    ],
)
def test_what_an_entry_allows(entry: str, scheme: str, host: str, port: int | None) -> None:
    allowed = Allowed.read(entry)
    found, number = entry_for([Allowed.read("other.example"), allowed], scheme, host, port)
    assert found == allowed
    assert number == (port or {"http": 80, "https": 443}[scheme])


@pytest.mark.parametrize(
    ("entry", "scheme", "host", "port"),
    [
        ("hooks.example.com", "https", "example.com", None),
        ("hooks.example.com", "https", "evil.hooks.example.com", None),
        ("hooks.example.com", "https", "hooks.example.com.", None),
        ("hooks.example.com", "https", "hooks.example.com", 80),
        ("hooks.example.com", "https", "hooks.example.com", 0),
        ("hooks.example.com", "https", "hooks.example.com", 8443),
        ("hooks.example.com:8443", "https", "hooks.example.com", None),
        ("*.example.com", "https", "example.com", None),
        ("*.example.com", "https", ".example.com", None),
        ("*.example.com", "https", "evilexample.com", None),
        ("*.example.com", "https", "example.com.evil.com", None),
        ("127.0.0.1", "http", "127.0.0.2", None),
        ("127.0.0.1", "http", "127.1", None),
        ("127.0.0.1", "http", "2130706433", None),
    ],
)
def test_what_an_entry_does_not_allow(entry: str, scheme: str, host: str, port: int | None) -> None:
    with pytest.raises(Invalid) as raised:
        entry_for([Allowed.read(entry)], scheme, host, port)
    (error,) = raised.value.errors
    assert error.field == "url"
    assert "CALLBACK_HOSTS names the hosts that may be called" in error.message


def test_of_two_entries_the_one_inside_decides() -> None:
    both = [Allowed.read("*.example.com"), Allowed.read("internal=a.example.com")]
    assert entry_for(both, "http", "a.example.com", None)[0] == both[1]
    assert entry_for(both, "http", "b.example.com", None)[0] == both[0]
