"""One deployment for all rehearsals, as `python3 -m deploy.local` starts it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.stack import Stack, running


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    # Not pytest's own folder, into which servers with users of their own may not go.
    with tempfile.TemporaryDirectory(prefix="profilecore-") as name:
        Path(name).chmod(0o711)
        with running(Path(name)) as stack:
            yield stack
