"""Pictures by Pillow, in processes that are confined."""

from profilecore.adapters.pillow.imager import PillowImager

__all__ = ["PillowImager"]
