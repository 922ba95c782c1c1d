"""Whatever pika raises is a core error, with a sentence for people and its cause."""

import inspect
import ssl

import pytest
from pika import exceptions
from pika.adapters.utils import connection_workflow as workflow

from profilecore.adapters.rabbitmq.errors import translated
from profilecore.errors import Conflict, Invalid, ProfilecoreError, Unavailable

RAISED = [
    kind
    for module in (exceptions, workflow)
    for _, kind in inspect.getmembers(module, inspect.isclass)
    if issubclass(kind, Exception)
]
REFUSED = ("secret at 10.0.0.1",)


def made(kind: type[Exception]) -> Exception:
    """One of that kind, whatever its constructor asks for."""
    arguments: tuple[object, ...] = REFUSED
    if issubclass(kind, exceptions.ConnectionClosed | exceptions.ChannelClosed):
        arguments = (541, *REFUSED)
    if issubclass(kind, workflow.AMQPConnectionWorkflowFailed):
        arguments = ([OSError(*REFUSED)],)
    if issubclass(kind, workflow.AMQPConnectorPhaseErrorBase):
        arguments = (OSError(*REFUSED), *REFUSED)
    error: Exception = kind(*arguments)
    return error


def raise_through(error: BaseException) -> None:
    with translated():
        raise error


def failed(*errors: Exception) -> Exception:
    """As pika wraps what was wrong with a try to connect."""
    tries = [workflow.AMQPConnectorAMQPHandshakeError(error) for error in errors]
    wrapped: Exception = workflow.AMQPConnectionWorkflowFailed(tries)
    return wrapped


def test_the_walk_meets_them_all() -> None:
    assert len(RAISED) > 40
    assert {exceptions.NackError, workflow.AMQPConnectorAborted} <= set(RAISED)


@pytest.mark.parametrize("kind", RAISED)
def test_each_exception_class_is_translated(kind: type[Exception]) -> None:
    error = made(kind)
    with pytest.raises(ProfilecoreError) as meant:
        raise_through(error)
    assert meant.value.__cause__ is error
    assert "RabbitMQ" in meant.value.detail
    assert "secret" not in meant.value.detail


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TimeoutError("x"), "in time"),
        (failed(workflow.AMQPConnectorStackTimeout("x")), "in time"),
        (ConnectionRefusedError("x"), "cannot be reached"),
        (RuntimeError("the handler is closed"), "cannot be reached"),
        (EOFError("x"), "failed"),
        (UnicodeError("x"), "failed"),
        (AssertionError("x"), "failed"),
        (FileNotFoundError("x"), "certificates for RabbitMQ cannot be read"),
        (ssl.SSLError("x"), "TLS"),
        (ssl.SSLCertVerificationError("x"), "not to be trusted"),
        (failed(OSError("x"), exceptions.ProbableAuthenticationError("x")), "password"),
        (failed(exceptions.ProbableAccessDeniedError("x")), "virtual host"),
        (exceptions.AMQPConnectionError(failed(OSError("x"))), "cannot be reached"),
        (workflow.AMQPConnectionWorkflowFailed([]), "cannot be reached"),
        (exceptions.ChannelClosedByBroker(406, "x"), "other settings"),
        (exceptions.ConnectionClosedByBroker(320, "x"), "stopping"),
        (exceptions.ChannelClosedByBroker(403, "x"), "does not allow"),
    ],
)
def test_what_it_says(error: Exception, words: str) -> None:
    with pytest.raises(Unavailable, match=words):
        raise_through(error)


def test_what_cannot_be_written_down_is_invalid() -> None:
    with pytest.raises(Invalid, match="name or header"):
        raise_through(exceptions.ShortStringTooLong("x" * 300))


@pytest.mark.parametrize("error", [Conflict("x"), KeyError("x")])
def test_what_is_not_its_own_passes(error: Exception) -> None:
    with pytest.raises(type(error)) as passed:
        raise_through(error)
    assert passed.value is error
