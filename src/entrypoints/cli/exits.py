"""How the command line ends: exit codes, and one line on standard error for what went wrong."""

import os
import sys
from collections.abc import Callable
from enum import IntEnum
from typing import Final

from profilecore.entrypoints.variables import BadSetting
from profilecore.errors import Invalid, ProfilecoreError, Unavailable

PROGRAM = "profilecore"


class ExitCode(IntEnum):
    """What a script can tell from the way a command ended."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    UNAVAILABLE = 3
    INTERRUPTED = 130


# The first kind that fits. A setting is the user's to put right, as the command line is.
_CODES: Final = (
    (BadSetting, ExitCode.USAGE),
    (Unavailable, ExitCode.UNAVAILABLE),
    (ProfilecoreError, ExitCode.REFUSED),
)


class StoppedError(Exception):
    """A command ended early; the text says how far it came."""

    def __init__(self, text: str, code: ExitCode) -> None:
        super().__init__(text)
        self.code = code


class ReaderGoneError(Exception):
    """Whoever read standard output has had enough."""


def ended(run: Callable[[], int]) -> int:
    """Run a command, say in one line what stopped it if anything did, and give the exit code."""
    try:
        return run()
    except ReaderGoneError:
        # The interpreter flushes standard output at its end, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except StoppedError as stopped:
        return failed(str(stopped), stopped.code)
    except ProfilecoreError as error:
        return failed(error.detail, next(c for kind, c in _CODES if isinstance(error, kind)))
    except OSError as error:
        return failed(os_problem(error), ExitCode.USAGE)
    except KeyboardInterrupt:
        return failed("interrupted.", ExitCode.INTERRUPTED)


def os_problem(error: OSError) -> str:
    """What the system says, without Python's notation."""
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}"


def failed(text: str, code: ExitCode) -> ExitCode:
    """Say one line on standard error."""
    print(f"{PROGRAM}: {' '.join(text.split())}", file=sys.stderr)
    return code


def mistaken(error: Invalid) -> StoppedError:
    """What was given on the command line is at fault; say of each part what it takes."""
    said = "; ".join(f"{e.field} {e.message}" for e in error.errors)
    return StoppedError(f"{said or error.detail}.", ExitCode.USAGE)
