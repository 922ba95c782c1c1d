"""Large photographs, made into their six files: CPU time on one core, memory, and the thumb.

A JPEG of 12 megapixels and about 4 MB takes at most 350 ms; a thumb in WebP has at most 6 KB, and
a likeness (SSIM) of at least 0.95 to the same thumb without loss. The process is the one that the
service uses, with its limits.
"""

import asyncio
import sys
from pathlib import Path
from typing import Final

from benchmarks._imaging import Made, made
from benchmarks._measuring import folder, table, verdict
from profilecore.adapters.processes import SpawnedProcesses
from tests.support.pictures import encoded, photograph, swapped_profile

TURNS: Final = 7
ALL_MAX: Final = 350.0
THUMB_MAX: Final = 6 * 1024
LIKE_MIN: Final = 0.95


def photographs() -> dict[str, bytes]:
    twelve, twenty_five = photograph(4_000, 3_000), photograph(5_760, 4_320)
    profile = swapped_profile()
    return {
        "12 MP JPEG": encoded(twelve, quality=90),
        "12 MP JPEG with a profile": encoded(twelve, quality=90, icc_profile=profile),
        "12 MP JPEG, progressive": encoded(twelve, quality=90, progressive=True),
        "25 MP JPEG": encoded(twenty_five, quality=90),
        "12 MP WebP": encoded(twelve, "WEBP", quality=85, method=0),
        "5 MP PNG": encoded(twelve.crop((0, 0, 2_580, 1_938)), "PNG", compress_level=1),
    }


async def measured(upload: Path) -> Made:
    processes = SpawnedProcesses(1)
    try:
        found: Made = await processes.run(made, upload, TURNS)
    finally:
        await processes.close()
    return found


def main() -> int:
    rows, missed = [], []
    with folder() as root:
        for name, data in photographs().items():
            upload = root / "upload"
            upload.write_bytes(data)
            found = asyncio.run(measured(upload))
            times = (found.decoded, found.made_smaller, found.all, found.median)
            sizes = (f"{found.peak}", f"{found.thumb:,}", f"{found.like:.3f}")
            megabytes = f"{len(data) / 1_000_000:.1f}"
            rows.append((name, megabytes, *(f"{ms:.0f}" for ms in times), *sizes))
            if name == "12 MP JPEG" and found.all > ALL_MAX:
                missed.append(f"{name}: {found.all:.0f} ms")
            if found.thumb > THUMB_MAX or found.like < LIKE_MIN:
                missed.append(f"{name}: a thumb of {found.thumb:,} bytes, SSIM {found.like:.3f}")
    head = ("ms of CPU", "MB", "decode", "resize", "all", "median", "peak MB", "thumb", "SSIM")
    table(head, rows)
    return verdict(missed)


if __name__ == "__main__":
    sys.exit(main())
