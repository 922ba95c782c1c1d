"""Who may call where nobody is asked who they are: programs of this machine, and their own pages.

It listens on loopback addresses only, and a browser of this machine reaches those for any page that
it shows. Such a page can have another name resolve to a loopback address, and then read what is
answered; or send a form here, whose answer it cannot read, and which has its effect all the same.
"""

from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from profilecore.entrypoints.http.asgi import Head, fields
from profilecore.entrypoints.variables import is_loopback
from profilecore.errors import Denied

_REFUSAL: Final = (
    "This service asks nobody who they are, and so is called by the names of this machine alone, "
    "such as localhost or 127.0.0.1, and not by pages of other sites. Set AUTH_MODE to change that."
)


def must_be_local(scope: Head) -> None:
    """Raise Denied where a page of another site may be what calls."""
    hosts = [f"//{host}" for host in fields(scope, b"host")]
    if not all(map(_is_local, [*hosts, *fields(scope, b"origin")])):
        raise Denied(_REFUSAL, code="forbidden")


@lru_cache(maxsize=1_024)
def _is_local(url: str) -> bool:
    try:
        name = urlsplit(url).hostname
    except ValueError:
        return False
    return name is not None and (is_loopback(name) or name.endswith(".localhost"))
