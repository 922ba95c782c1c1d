"""The handler of `images.purge`, which needs its client only where there is a cache."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from profilecore.errors import FieldError, Invalid
from profilecore.image import FILES, image_of, key_of
from profilecore.tasks import Context, Handler

TYPE: Final = "images.purge"
TIME_MAX: Final = 30.0
_MARGIN: Final = 5.0  # for the calls to end by themselves, which says more
_HERE: Final = "/media"


def purge(caches: Sequence[str], base_url: str | None) -> Handler:
    """The handler, for caches at these URLs; `base_url` is what URLs of images begin with.

    Its payload is `{"image_id": …}`. It may be done again, and before or after the image is gone;
    where a cache does not do it, the task is tried again.
    """
    timeout = timedelta(seconds=TIME_MAX + _MARGIN)

    async def run(_context: Context, payload: Mapping[str, Any]) -> Any:
        keys = _keys(payload)
        if caches:
            from profilecore.adapters.cdn.purging import Purging

            await Purging(caches, base_url or _HERE, time_max=TIME_MAX).run(keys)
        return {"purged": len(keys) * len(caches)}

    return Handler(type=TYPE, run=run, timeout=timeout, check=_check)


def _check(payload: Mapping[str, Any]) -> None:
    _keys(payload)


def _keys(payload: Mapping[str, Any]) -> list[str]:
    unknown = sorted(payload.keys() - {"image_id"})
    if unknown:
        errors = [FieldError(name, "is not known; it takes image_id") for name in unknown]
        raise Invalid(f"Not valid: {', '.join(unknown)}.", errors=errors)
    image_id = payload.get("image_id")
    keys = [key_of(image_id, file) for file in FILES] if isinstance(image_id, str) else []
    if not keys or image_of(keys[0]) is None:
        raise Invalid.field("image_id", "must be the id of an image: 64 digits from 0 to f")
    return keys
