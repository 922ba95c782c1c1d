"""Campaigns say their seed at the start, and at the end what they did."""

import pytest

from tests.support.campaign import SEED, SUMMARIES


def pytest_report_header() -> str:
    return f"FAULTS_SEED={SEED}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if SUMMARIES:
        terminalreporter.section("campaigns")
        terminalreporter.line(f"seed {SEED}")
        for line in SUMMARIES:
            terminalreporter.line(line)
