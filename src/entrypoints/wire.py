"""Profiles and tasks as JSON: the same fields in the same order wherever one leaves the process."""

from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID

import msgspec

from profilecore import Profile, Status, Task
from profilecore.image import File, Format, Image, Size, key_of

ENCODER = msgspec.json.Encoder()


class FileBody(msgspec.Struct):
    """One file of an image."""

    url: str
    bytes: int


class VariantBody(msgspec.Struct):
    """One size of an image: as WebP, and as JPEG for whoever needs that."""

    url: str
    width: int
    height: int
    bytes: int
    jpeg: FileBody


class ImageBody(msgspec.Struct):
    """An image that was uploaded; `thumbhash` is a blurred preview, in base64.

    Its `url`, `width` and `height` are those of the large variant.
    """

    id: str
    url: str
    width: int
    height: int
    thumbhash: str
    variants: dict[Size, VariantBody]
    created_at: datetime

    @classmethod
    def of(cls, image: Image, media: str) -> Self:
        """The body of one image whose files are served below `media`."""
        variants = {size: _variant(image, size, media) for size in Size}
        large = variants[Size.LARGE]
        return cls(
            image.id,
            large.url,
            large.width,
            large.height,
            image.thumbhash,
            variants,
            _utc(image.created_at),
        )


def url_of(image: Image, file: File, media: str) -> str:
    """Where a file of an image is served."""
    return f"{media}/{key_of(image.id, file)}"


def _variant(image: Image, size: Size, media: str) -> VariantBody:
    kept = image.variants[size]
    webp, jpeg = (url_of(image, File(size, format_), media) for format_ in Format)
    of = kept.bytes
    return VariantBody(
        webp, kept.width, kept.height, of[Format.WEBP], FileBody(jpeg, of[Format.JPEG])
    )


class ProfileBody(msgspec.Struct):
    """A profile as the API shows it; `images` are those uploaded, the newest last.

    Their URLs are the last of `image_urls`.
    """

    id: UUID
    name: str
    email: str
    bio: str
    image_urls: list[str]
    images: list[ImageBody]
    owner: str | None
    version: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, profile: Profile, media: str) -> Self:
        """The body of one profile, the files of whose images are served below `media`."""
        images = [ImageBody.of(image, media) for image in profile.images]
        return cls(
            profile.id,
            profile.name,
            profile.email,
            profile.bio,
            [*profile.image_urls, *(image.url for image in images)],
            images,
            profile.owner,
            profile.version,
            _utc(profile.created_at),
            _utc(profile.updated_at),
        )


class FailureBody(msgspec.Struct):
    """Why a task did not get on: in which attempt (0 before the first), when, and what was said."""

    attempt: int
    at: datetime
    error: str


class TaskBody(msgspec.Struct):
    """A task as the API shows it.

    `error` is the last of `errors`, null once it has succeeded. `cancelling` is true from the
    cancellation of a running task until it has stopped, or has ended otherwise.
    """

    id: UUID
    type: str
    status: Status
    payload: dict[str, Any]
    run_at: datetime
    attempt: int
    max_attempts: int
    priority: int
    progress: float | None
    result: Any
    error: str | None
    created_at: datetime
    updated_at: datetime
    errors: list[FailureBody]
    unique_key: str | None
    cancelling: bool

    @classmethod
    def of(cls, task: Task) -> Self:
        """The body of one task."""
        return cls(
            id=task.id,
            type=task.type,
            status=task.status,
            payload=dict(task.payload),
            run_at=_utc(task.run_at),
            attempt=task.attempt,
            max_attempts=task.max_attempts,
            priority=task.priority,
            progress=task.progress,
            result=task.result,
            error=task.error,
            created_at=_utc(task.created_at),
            updated_at=_utc(task.updated_at),
            errors=[FailureBody(e.attempt, _utc(e.at), e.text) for e in task.errors],
            unique_key=task.unique_key,
            cancelling=task.cancelling,
        )


def _utc(at: datetime) -> datetime:
    # An import may have brought another offset along, and only UTC is written with a Z.
    return at if at.tzinfo is UTC else at.astimezone(UTC)
