"""One JSON object a line."""

from collections.abc import Iterator, Sequence
from typing import BinaryIO

import msgspec

from profilecore import Profile
from profilecore.entrypoints.files.lines import Broken, Line, Read, Taken, lines
from profilecore.entrypoints.wire import ENCODER, ProfileBody
from profilecore.importing import Row

_DECODER = msgspec.json.Decoder()


def read_ndjson(stream: BinaryIO) -> Iterator[Read]:
    """Every line that is not empty, as a row or with the reason why it is none."""
    for line in lines(stream):
        if line.cut:
            yield line.too_long()
        elif line.data and not line.data.isspace():
            yield _read(line)


def _read(line: Line) -> Read:
    try:
        values = _DECODER.decode(line.data)
    except UnicodeDecodeError:
        reason = "is not UTF-8"
    except RecursionError:
        reason = "is nested too deeply"
    except msgspec.DecodeError as error:
        reason = f"is not JSON: {str(error).removeprefix('JSON is malformed: ')}"
    else:
        if isinstance(values, dict):
            return Taken(Row(line.number, values), line.data)
        reason = "is not a JSON object"
    return Broken(line.number, reason, line.data)


class NdjsonWriter:
    """Turns profiles into lines; the files of their images are served below `media`."""

    header = b""

    def __init__(self, media: str) -> None:
        self._media = media

    def encode(self, profiles: Sequence[Profile]) -> bytes:
        """The lines of some profiles."""
        bodies = (ProfileBody.of(profile, self._media) for profile in profiles)
        return b"".join(ENCODER.encode(body) + b"\n" for body in bodies)
