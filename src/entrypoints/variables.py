"""What an environment variable may hold: parsers, each with the words for what it takes."""

import base64
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, Generic, TypeVar
from urllib.parse import quote, unquote, urlsplit

from profilecore import Invalid
from profilecore.reach import Allowed

T = TypeVar("T")

HIDDEN: Final = "***"
_SHOWN_MAX = 80
_SIGNING = "whsec_"  # as Standard Webhooks have it
_KEY_MIN, _KEY_MAX = 24, 64
_SPAN_MAX = timedelta(days=36_500)  # what can be taken from today's date without going below year 1
_UNITS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION = re.compile("".join(rf"(?:(\d{{1,9}}(?:\.\d{{1,6}})?){u})?" for u in _UNITS), re.ASCII)
_WHOLE = re.compile(r"\d{1,18}", re.ASCII)
_QUEUE = re.compile(r"(?!dead$)[A-Za-z0-9_-]{1,100}")  # as the adapter of RabbitMQ has it
# A bare slash, @ or : in a password would cut it in two.
_QUEUE_URI = re.compile(r"amqps?://(?:[^:@/?#]*(?::[^:@/?#]*)?@)?(?P<hosts>[^@/?#]+)(?:/[^@/?#]*)?")
_TOKEN = re.compile(r"[A-Za-z0-9!#$&'*+.^_`|~-]{1,100}")
_HOST = re.compile(r"[A-Za-z0-9._:%-]{1,255}")


class BadSetting(Invalid):
    """A variable that is missing or holds what it cannot; the text is one line that names it."""

    code = "bad_setting"

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name} {problem}")
        self.name = name


class Secret:
    """A text that does not show itself: printed, logged or formatted it is `***`.

    Each of its `parts` would give it away too.
    """

    __slots__ = ("_text", "parts")

    def __init__(self, text: str, *parts: str) -> None:
        self._text = text
        self.parts = parts

    def reveal(self) -> str:
        """The text itself, for the one who has to send it."""
        return self._text

    def __repr__(self) -> str:
        return HIDDEN

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """How to read a value; `parse` raises ValueError for one that is not what it `takes`."""

    takes: str
    parse: Callable[[str], T]
    secret: bool = False


def shown(value: str) -> str:
    """A value as an error message quotes it: one short line, whatever is in it."""
    return repr(value if len(value) <= _SHOWN_MAX else f"{value[:_SHOWN_MAX]}…")


def whole(least: int, most: int, what: str = "a whole number") -> Kind[int]:
    """A number in decimal digits."""

    def parse(text: str) -> int:
        if not _WHOLE.fullmatch(text) or not least <= int(text) <= most:
            raise ValueError(text)
        return int(text)

    return Kind(f"{what} from {least} to {most}", parse)


def duration(least: timedelta = timedelta(0)) -> Kind[timedelta]:
    """A time span such as `90s` or `1h30m`, of at most 100 years."""

    def parse(text: str) -> timedelta:
        found = _DURATION.fullmatch(text)
        if not found or not text:
            raise ValueError(text)
        parts = zip(found.groups(), _UNITS.values(), strict=True)
        span = timedelta(seconds=sum(float(number) * unit for number, unit in parts if number))
        if not least <= span <= _SPAN_MAX:
            raise ValueError(text)
        return span

    bound = f" of {least / timedelta(milliseconds=1):g}ms or more" if least else ""
    return Kind(f"a duration{bound} such as 500ms, 90s, 1h30m or 30d", parse)


def one_of(*words: str) -> Kind[str]:
    """One word of a closed list, in any case."""

    def parse(text: str) -> str:
        if text.lower() not in words:
            raise ValueError(text)
        return text.lower()

    return Kind(" or ".join(words), parse)


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def _switch(text: str) -> bool:
    if text.lower() not in ("on", "off"):
        raise ValueError(text)
    return text.lower() == "on"


def _word(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError(text)
    return text


def _words(text: str) -> tuple[str, ...]:
    words = tuple(word.strip() for word in text.split(","))
    if not all(map(_QUEUE.fullmatch, words)):
        raise ValueError(text)
    return words


def _path(text: str) -> Path:
    if "\0" in text:
        raise ValueError(text)
    try:
        return Path(text).expanduser()
    except RuntimeError:  # `~somebody` who is not known here
        raise ValueError(text) from None


def _host(text: str) -> str:
    if not _HOST.fullmatch(text) or (":" in text and not _is_address(text)):
        raise ValueError(text)
    return text


def _address(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if not colon or PORT.parse(port) < 1:
        raise ValueError(text)
    _host(host[1:-1] if host.startswith("[") and host.endswith("]") else host)
    return text


def _hosts(text: str) -> tuple[tuple[str, int | None], ...]:
    return tuple(_host_and_port(part.strip()) for part in text.split(","))


def _host_and_port(text: str) -> tuple[str, int | None]:
    if ":" not in text or _is_address(text):
        return _host(text), None
    host, _, port = _address(text).rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _callback_hosts(text: str) -> tuple[Allowed, ...]:
    return tuple(Allowed.read(part.strip()) for part in text.split(","))


def _signing_secret(text: str) -> Secret:
    key = base64.b64decode(text.removeprefix(_SIGNING), validate=True)
    if not text.startswith(_SIGNING) or not _KEY_MIN <= len(key) <= _KEY_MAX:
        raise ValueError(text)
    return Secret(text)


def _queue_uri(text: str) -> Secret:
    found = _QUEUE_URI.fullmatch(_word(text))
    if not found:
        raise ValueError(text)
    _hosts(found["hosts"])
    return Secret(text)


def _headers(text: str) -> Secret:
    pairs = [pair.strip().partition("=") for pair in _word(text).split(",")]
    if not all(_TOKEN.fullmatch(name) and value for name, _, value in pairs):
        raise ValueError(text)
    values = {spelled for _, _, value in pairs for spelled in (value, unquote(value))}
    words = {value.split()[-1] for value in values if value.strip()}  # Bearer is no secret
    return Secret(text, *values, *words)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens there."""
    return ipaddress.ip_address(host).is_loopback if _is_address(host) else host == "localhost"


def spellings(secret: Secret) -> set[str]:
    """Every text that would give a secret away: itself, a URI's password, and both quoted."""
    text = secret.reveal()
    found = {text, *secret.parts}
    if "://" in text and (password := urlsplit(text).password):
        found |= {password, unquote(password)}
    return found | {quote(spelling, safe="") for spelling in found}


PORT = whole(0, 65_535, "a port")
FLAG = Kind("true or false", _flag)
SWITCH = Kind("on or off", _switch)
WORD = Kind("printable text", _word)
WORDS = Kind("names of letters, digits, - and _ (not dead), several separated by commas", _words)
PATH = Kind("a path", _path)
HOST = Kind("a host name or an IP address without brackets", _host)
HOSTS = Kind("host or host:port, several separated by commas", _hosts)
ADDRESS = Kind("host:port", _address)
SECRET = Kind("a text", Secret, secret=True)
CALLBACKS = Kind(
    "hooks.example.com, *.example.com, either with :port, an IP address, or"
    " internal=host for one inside; several separated by commas",
    _callback_hosts,
)
HEADERS = Kind("name=value, several separated by commas", _headers, secret=True)
SIGNING = Kind("whsec_ and 24 to 64 bytes in base64", _signing_secret, secret=True)
QUEUE = Kind("amqp://user:password@host:port/vhost, the rest as %XX", _queue_uri, secret=True)
QUEUE = Kind(
    "amqp://user:password@host:port,host:port/vhost, the rest as %XX", _queue_uri, secret=True
)
