"""A process that puts blobs into a folder until it is killed.

    python -m tests.integration.blobs.putting FOLDER NAME

It prints the key of each blob whose `put` has returned.
"""

import asyncio
import hashlib
import sys
from itertools import count
from pathlib import Path

from profilecore.adapters.obstore import FolderBlobs
from profilecore.image import FILES, key_of

SIZE = 2_000_000


def content(key: str) -> bytes:
    """What has to be under a key."""
    return key.encode() * (SIZE // len(key))


async def main(folder: str, name: str) -> None:
    blobs = FolderBlobs(Path(folder))
    await blobs.open()
    numbers = count()

    async def work() -> None:
        for number in numbers:
            image_id = hashlib.sha256(f"{name} {number}".encode()).hexdigest()
            for file in FILES[:2]:
                key = key_of(image_id, file)
                await blobs.put(key, content(key))
                sys.stdout.write(f"{key}\n")
                sys.stdout.flush()

    await asyncio.gather(*(work() for _ in range(4)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
