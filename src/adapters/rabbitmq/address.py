"""Where a RabbitMQ is, and how it is spoken to."""

import re
import ssl
from dataclasses import dataclass, field
from typing import Final, Self
from urllib.parse import unquote

import pika

CONNECT_MAX: Final = 3.0
HEARTBEAT: Final = 10
BLOCKED_MAX: Final = 60.0
_PORT_MAX: Final = 65_535

# user:password@, host:port and so on, /vhost; what else is in there is written as %XX.
_URI: Final = re.compile(
    r"(?P<scheme>amqps?)://"
    r"(?:(?P<username>[^:@/?#]*)(?::(?P<password>[^:@/?#]*))?@)?"
    r"(?P<hosts>[^@/?#]+)"
    r"(?:/(?P<vhost>[^@/?#]*))?"
)
_HOST: Final = re.compile(r"(?:\[(?P<address>[0-9A-Fa-f:.%]+)\]|(?P<name>[^:\[\]]+))(?::(\d+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class RabbitAddress:
    """The hosts of one RabbitMQ, tried in this order; without `ca_file`, TLS asks the system's."""

    hosts: tuple[tuple[str, int], ...] = (("localhost", 5672),)
    username: str = "guest"
    password: str = field(default="guest", repr=False)
    vhost: str = "/"
    tls: bool = False
    ca_file: str | None = None

    @classmethod
    def from_uri(cls, uri: str, ca_file: str | None = None) -> Self:
        """Read `amqp://user:password@host:port,host:port/vhost`; `amqps` speaks TLS.

        Raises ValueError, which does not quote the URI, for anything else.
        """
        found = _URI.fullmatch(uri)
        if not found:
            raise ValueError("This is no URI of a RabbitMQ.")
        tls = found["scheme"] == "amqps"
        username, password = found["username"], found["password"]
        return cls(
            hosts=tuple(_host(part, 5671 if tls else 5672) for part in found["hosts"].split(",")),
            username=cls().username if username is None else unquote(username),
            password=cls().password if password is None else unquote(password),
            vhost=unquote(found["vhost"] or "/"),
            tls=tls,
            ca_file=ca_file,
        )

    def parameters(self, host: str, port: int) -> pika.ConnectionParameters:
        """What pika is told, to connect to one of the hosts."""
        secured = None
        if self.tls:
            context = ssl.create_default_context(cafile=self.ca_file)
            secured = pika.SSLOptions(context, server_hostname=host)
        return pika.ConnectionParameters(
            host=host,
            port=port,
            virtual_host=self.vhost,
            credentials=pika.PlainCredentials(self.username, self.password),
            ssl_options=secured,
            socket_timeout=CONNECT_MAX,
            stack_timeout=CONNECT_MAX,
            heartbeat=HEARTBEAT,
            blocked_connection_timeout=BLOCKED_MAX,
            client_properties={"connection_name": "profilecore"},
        )


def _host(text: str, default: int) -> tuple[str, int]:
    found = _HOST.fullmatch(text.strip())
    port = int(found[3] or default) if found else 0
    if not found or not 0 < port <= _PORT_MAX:
        raise ValueError("A host of a RabbitMQ is host or host:port.")
    return found["address"] or found["name"], port
