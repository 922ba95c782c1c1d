"""`profilecore` with an operation that fails with every secret in its hands."""

import os
import sys
from typing import Any, Final

from profilecore.entrypoints.cli import main
from profilecore.service import ProfileService

# -P, or the folder of this file would be searched for modules.
CARELESS: Final = (sys.executable, "-P", __file__)


async def _history(self: ProfileService, *_: Any, **__: Any) -> Any:
    """Raise with settings in the text, and with more in names of this frame."""
    shown, told = os.environ["SHOWN"], " ".join(os.environ["TOLD"].split())
    raise RuntimeError(f"cannot go on: {told}", len(shown))


if __name__ == "__main__":
    ProfileService.history = _history  # type: ignore[method-assign]
    sys.exit(main())
