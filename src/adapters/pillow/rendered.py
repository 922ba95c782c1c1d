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

    try:
        data = upload.read_bytes()
    except OSError as error:
        raise Unavailable(f"The upload cannot be read: {error}.") from error
    with confined():
        picture = read(data)
        # Of a picture that was decoded no more can be said than that it takes too much memory,
        # which libwebp and libjpeg have other names for.
        with tripping(MemoryError, OSError, ValueError):
            return rendering_of(picture)
