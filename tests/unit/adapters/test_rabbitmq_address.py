"""The URI of a RabbitMQ, and the names of its queues."""

import pytest

from profilecore.adapters.rabbitmq import RabbitAddress
from profilecore.adapters.rabbitmq.topology import Topology
from profilecore.errors import Invalid

READ = {
    "amqp://mq": RabbitAddress(hosts=(("mq", 5672),)),
    "amqp://mq/": RabbitAddress(hosts=(("mq", 5672),)),
    "amqps://mq": RabbitAddress(hosts=(("mq", 5671),), tls=True),
    "amqp://u:p%2Fw@mq:5673/v%2Fw": RabbitAddress(
        hosts=(("mq", 5673),), username="u", password="p/w", vhost="v/w"
    ),
    "amqp://u:p@a:1,b,[::1]:3/v": RabbitAddress(
        hosts=(("a", 1), ("b", 5672), ("::1", 3)), username="u", password="p", vhost="v"
    ),
    "amqp://u:@mq": RabbitAddress(hosts=(("mq", 5672),), username="u", password=""),
}


@pytest.mark.parametrize(("uri", "address"), READ.items())
def test_what_a_uri_says(uri: str, address: RabbitAddress) -> None:
    assert RabbitAddress.from_uri(uri) == address


@pytest.mark.parametrize(
    "uri",
    [
        *("", "hunter2", "http://mq", "amqp://", "amqp://u:p@", "amqp://u:p@/v", "amqp://a,,b"),
        *("amqp://mq:port", "amqp://mq:0", "amqp://mq:65536", "amqp://::1", "amqp://[::1"),
        *("amqp://u:hun/ter2@mq/", "amqp://u:hun@ter2@mq", "amqp://mq/v/w", "amqp://mq/?a=hunter2"),
    ],
)
def test_anything_else_is_refused_and_not_quoted(uri: str) -> None:
    with pytest.raises(ValueError, match="RabbitMQ") as refused:
        RabbitAddress.from_uri(uri)
    assert "hun" not in str(refused.value)


def test_the_password_does_not_show() -> None:
    address = RabbitAddress.from_uri("amqp://u:hunter2@mq")
    assert "hunter2" not in repr(address)
    assert "hunter2" not in repr(address.parameters("mq", 1))


def test_pika_is_told_what_it_needs() -> None:
    address = RabbitAddress.from_uri("amqps://u:p@a,b/v")
    told = address.parameters("b", 5671)
    assert (told.host, told.port, told.virtual_host) == ("b", 5671, "v")
    assert (told.credentials.username, told.credentials.password) == ("u", "p")
    assert told.heartbeat
    assert told.blocked_connection_timeout
    assert told.ssl_options.server_hostname == "b"
    assert told.ssl_options.context.check_hostname


def test_lanes_of_different_queues_never_meet() -> None:
    topology = Topology("t")
    assert topology.lanes("mail") == ("t.mail.high", "t.mail")
    for name in ("", "dead", "mail.high", "a b", "ä", "x" * 101, "mail\n"):
        with pytest.raises(Invalid, match="name of a queue"):
            topology.lane(name, high=False)
    assert topology.lane("deadly", high=False) == "t.deadly"
