"""What is measured inside a process that makes the variants of a picture."""

import io
import time
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from profilecore.image import File, Format, Size
from tests.support.in_process import peak
from tests.support.pictures import likeness


@dataclass(frozen=True)
class Made:
    """CPU time of each part in milliseconds, the best of some turns; and what came of it."""

    decoded: float
    made_smaller: float
    all: float
    median: float
    peak: int
    """The most memory that the process has had, in MB."""
    thumb: int
    """Bytes of the WebP."""
    like: float
    """Its SSIM, against the same thumb without loss."""


def made(upload: Path, turns: int) -> Made:
    """Run it in a process of its own."""
    from profilecore.adapters.pillow.confined import confined
    from profilecore.adapters.pillow.reading import read
    from profilecore.adapters.pillow.rendered import rendered
    from profilecore.adapters.pillow.variants import large_of, thumb_of

    rendering, whole, decoding, shrinking = rendered(upload), [], [], []
    highest = peak()
    for _ in range(turns):
        began = time.process_time()
        rendering = rendered(upload)
        whole.append(1_000 * (time.process_time() - began))
    data = upload.read_bytes()
    large = large_of(read(data))
    for _ in range(turns):
        with confined():  # each turn has the time of one picture
            began = time.process_time()
            picture = read(data)
            decoded = time.process_time()
            large = large_of(picture)
            decoding.append(1_000 * (decoded - began))
            shrinking.append(1_000 * (time.process_time() - decoded))
    thumb = rendering.files[File(Size.THUMB, Format.WEBP)]
    return Made(
        min(decoding),
        min(shrinking),
        min(whole),
        sorted(whole)[turns // 2],
        highest,
        len(thumb),
        likeness(thumb_of(large), Image.open(io.BytesIO(thumb))),
    )
