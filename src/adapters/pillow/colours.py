"""Colours as every screen shows them."""

from io import BytesIO
from typing import Final

from PIL import Image, ImageCms

_SRGB: Final = ImageCms.createProfile("sRGB")


def in_srgb(pixels: Image.Image, profile: bytes | None) -> Image.Image:
    """Give RGB or RGBA in sRGB. A profile that is none, or of other channels, is passed over."""
    mode = "RGBA" if pixels.mode in ("LA", "RGBA") else "RGB"
    if profile is not None:
        if pixels.mode == "LA":
            pixels = pixels.convert(mode)
        try:
            # As browsers do: what both can show stays as it is, and black is black.
            transform = ImageCms.buildTransform(
                ImageCms.ImageCmsProfile(BytesIO(profile)),
                _SRGB,
                pixels.mode,
                mode,
                ImageCms.Intent.RELATIVE_COLORIMETRIC,
                ImageCms.Flags.BLACKPOINTCOMPENSATION,
            )
            return transform.apply(pixels)
        except (ImageCms.PyCMSError, OSError):
            pass
    return pixels.convert(mode)
