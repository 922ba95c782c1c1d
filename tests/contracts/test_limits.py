"""Budgets in memory."""

import pytest

from profilecore.adapters.memory import MemoryLimiter
from profilecore.ports import Limiter
from profilecore.testing.limits import LimiterContract


class TestMemoryLimiter(LimiterContract):
    @pytest.fixture
    def limiter(self) -> Limiter:
        return MemoryLimiter()
