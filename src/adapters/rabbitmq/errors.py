"""What pika raises, in the words of the core: the one place where that is translated."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from pika import exceptions
from pika.adapters.utils import connection_workflow as workflow

from profilecore.errors import Invalid, ProfilecoreError, Unavailable

BLOCKED: Final = "blocked"
UNROUTABLE: Final = "unroutable"
TIMEOUT: Final = "timeout"
LOST: Final = "RabbitMQ cannot be reached."

_ROOTS: Final = (
    exceptions.AMQPError,
    exceptions.ChannelError,
    exceptions.ReentrancyError,
    workflow.AMQPConnectorException,
    AssertionError,  # pika's, of the state that it is in
    OSError,  # TimeoutError and the errors of TLS among them
    EOFError,
    RuntimeError,  # the loop's, for a socket that was closed meanwhile
    UnicodeError,  # a host name that has no form in the DNS
)
_UNFIT: Final = (
    exceptions.ShortStringTooLong,
    exceptions.UnsupportedAMQPFieldException,
    exceptions.InvalidFieldTypeException,
)
# By the reply code of AMQP 0-9-1.
_REPLIES: Final = {
    320: "RabbitMQ is stopping.",
    403: "RabbitMQ does not allow this user what is needed: give it configure, write and read.",
    404: "RabbitMQ has lost an exchange or a queue.",
    405: "Somebody else holds a queue of RabbitMQ for himself.",
    406: "RabbitMQ has an exchange or queue of this name with other settings: remove that one.",
    530: "RabbitMQ has no such virtual host, or does not let this user in.",
    541: "RabbitMQ has failed inside, as it does where a queue has no leader.",
}
_REASONS: Final = (
    (exceptions.ProbableAuthenticationError, "RabbitMQ refused the username or password."),
    (exceptions.AuthenticationError, "RabbitMQ refused the username or password."),
    (exceptions.ProbableAccessDeniedError, _REPLIES[530]),
    (exceptions.IncompatibleProtocolError, "What answers does not speak RabbitMQ's protocol."),
    (exceptions.AMQPHeartbeatTimeout, "RabbitMQ has fallen silent."),
    (exceptions.ConnectionBlockedTimeout, "RabbitMQ has taken no messages for too long."),
    (exceptions.AMQPConnectionError, LOST),
    (exceptions.ChannelWrongStateError, LOST),
    (workflow.AMQPConnectorException, LOST),
    (ssl.SSLCertVerificationError, "RabbitMQ's certificate is not to be trusted."),
    (ssl.SSLError, "RabbitMQ and this do not get on by TLS."),
    (FileNotFoundError, "The file with the certificates for RabbitMQ cannot be read."),
    (PermissionError, "The file with the certificates for RabbitMQ cannot be read."),
    (OSError, LOST),
    (RuntimeError, LOST),
)


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the client library raises into a core error, keeping it as the cause."""
    try:
        yield
    except _ROOTS as error:
        raise meaning(error) from error


def meaning(error: BaseException) -> ProfilecoreError:
    """The core error for one of the library's, which is its cause."""
    root = _root(error)
    meant: ProfilecoreError
    if isinstance(root, _UNFIT):
        meant = Invalid("RabbitMQ cannot carry such a name or header.")
    elif isinstance(root, TimeoutError | workflow.AMQPConnectorStackTimeout):
        meant = Unavailable("RabbitMQ did not answer in time.", code=TIMEOUT)
    else:
        reply = _REPLIES.get(getattr(root, "reply_code", 0))
        reasons = (reason for kind, reason in _REASONS if isinstance(root, kind))
        meant = Unavailable(reply or next(reasons, "RabbitMQ failed."))
    meant.__cause__ = error
    return meant


def _root(error: BaseException) -> BaseException:
    """What was wrong in the end: pika wraps it up to three times."""
    inner: object = None
    if isinstance(error, workflow.AMQPConnectionWorkflowFailed):
        inner = error.exceptions[-1] if error.exceptions else None
    elif isinstance(error, workflow.AMQPConnectorPhaseErrorBase):
        inner = error.exception
    elif type(error) is exceptions.AMQPConnectionError and error.args:
        inner = error.args[0]
    return _root(inner) if isinstance(inner, BaseException) else error
