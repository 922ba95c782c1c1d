"""One broker for most; campaigns say their seed at the start, and at the end what they did."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.campaign import SEED, SUMMARIES
from tests.support.rabbitmq import RabbitProcess


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitProcess]:
    """A RabbitMQ that all tests of a process share, since to start one costs seconds of CPU."""
    with RabbitProcess(tmp_path_factory.mktemp("broker")) as server:
        yield server


@pytest.fixture(scope="module")
def rabbit(broker: RabbitProcess) -> RabbitProcess:
    """It, there whatever those before have left; and with queues of theirs."""
    if not broker.answers():
        broker.close()
        broker.start()
    return broker


def pytest_report_header() -> str:
    return f"FAULTS_SEED={SEED}"


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:  # one process of several: the first one tells
        output["campaigns"] = SUMMARIES


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    output = getattr(node, "workeroutput", {})  # a process that has crashed gave none
    SUMMARIES.extend(output.get("campaigns", ()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if SUMMARIES:
        terminalreporter.section("campaigns")
        terminalreporter.line(f"seed {SEED}")
        for line in SUMMARIES:
            terminalreporter.line(line)
