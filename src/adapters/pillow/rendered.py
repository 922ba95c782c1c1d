"""What is asked of a process."""

from pathlib import Path

from profilecore.errors import Unavailable
from profilecore.image import Rendering


def rendered(upload: Path) -> Rendering:
    """Make all variants of a file. Runs in a process that is confined by it."""
    # Imported here, so that the server itself does not load Pillow.
    from profilecore.adapters.pillow.confined import confined
    from profilecore.adapters.pillow.reading import read, tripping
    from profilecore.adapters.pillow.variants import rendering_of

    # Where its parsers have nothing to say, it takes too much memory; encoding a WebP there is a
    # ValueError for that, and encoding a JPEG an OSError.
    with tripping(MemoryError, ValueError, OSError):
        data = _bytes_of(upload)
        with confined():
            return rendering_of(read(data))


def _bytes_of(upload: Path) -> bytes:
    try:
        return upload.read_bytes()
    except OSError as error:
        raise Unavailable(f"The upload cannot be read: {error}.") from error
