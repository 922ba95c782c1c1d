"""Named points at which a process can be made to end, or to stop, exactly once."""

import os
import signal
from pathlib import Path

FAULTS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


def reached(point: str) -> None:
    """Called by a process that is at a point: if that is armed, nothing of what follows happens.

    Whichever process takes the file away is the one, so that one fault meets one process.
    """
    folder, role = os.environ.get("FAULTPOINTS"), os.environ.get("FAULTS_ROLE")
    if not folder:
        return
    for fault, number in FAULTS.items():
        try:
            (Path(folder) / f"{fault} {role} {point}").unlink()
        except FileNotFoundError:
            continue
        os.kill(os.getpid(), number)


class Faultpoints:
    """The points that are armed: a file each, in a folder that all processes look into."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder

    @property
    def settings(self) -> dict[str, str]:
        return {"FAULTPOINTS": str(self._folder)}

    def arm(self, fault: str, role: str, point: str) -> None:
        assert fault in FAULTS
        (self._folder / f"{fault} {role} {point}").touch()

    def waits(self, fault: str, role: str, point: str) -> bool:
        """Whether nobody has come by yet."""
        return (self._folder / f"{fault} {role} {point}").exists()

    def disarm(self) -> None:
        for path in self._folder.iterdir():
            path.unlink(missing_ok=True)
