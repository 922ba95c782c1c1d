"""A person's profile: frozen, validated, with a version that every write raises by one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self, TypeAlias
from uuid import UUID

from profilecore import rules
from profilecore.errors import Conflict, Invalid, NotFound
from profilecore.image import Image, image_of

IMAGES_MAX: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One state of a profile; a change makes another with `version` + 1.

    Times are aware and in UTC. `deleted_at` is set on a tombstone, which keeps the last values
    so that the profile can be restored. `images` are those that were uploaded, the newest last.
    Raises Invalid where a value breaks a rule.
    """

    id: UUID
    name: str
    email: str
    bio: str = ""
    image_urls: tuple[str, ...] = ()
    images: tuple[Image, ...] = ()
    owner: str | None = None
    version: int = 1
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None

    def __post_init__(self) -> None:
        for field, value in rules.checked(self.values()).items():
            object.__setattr__(self, field, value)
        if self.version < 1:
            raise Invalid.field("version", "must be 1 or more")
        for field in ("created_at", "updated_at"):
            if getattr(self, field).utcoffset() is None:
                raise Invalid.field(field, "must have a time zone")

    @classmethod
    def stored(cls, **fields: Any) -> Self:
        """Take a profile out of a store as it was kept.

        All eleven fields have to be given. They are not checked again, so that a rule that became
        stricter does not make rows unreadable.
        """
        profile = object.__new__(cls)
        for field, value in fields.items():
            object.__setattr__(profile, field, value)
        return profile

    @classmethod
    def created(
        cls, values: Mapping[str, object], *, id: UUID, owner: str | None, at: datetime
    ) -> Self:
        """The first version, from `name`, `email` and any of the other writable fields.

        It is `owner`'s where the values name no other.
        """
        kept = {"owner": owner, **rules.checked(values, required=("name", "email"))}
        return cls(**kept, id=id, created_at=at, updated_at=at)

    @property
    def email_key(self) -> str:
        """What is unique among the profiles that are not deleted."""
        return rules.email_key(self.email)

    @property
    def name_key(self) -> str:
        """What a list by name is sorted by."""
        return rules.fold(self.name)

    def values(self) -> dict[str, Any]:
        """The fields that a caller may write."""
        return {field: getattr(self, field) for field in rules.WRITABLE}

    def revised(self, changes: Mapping[str, object], *, at: datetime) -> Self:
        """The next version, with `changes` to any of the writable fields.

        Whoever read the profile was shown the URLs of its images among `image_urls`: they are
        passed over.
        """
        urls = changes.get("image_urls")
        if self.images and isinstance(urls, list | tuple):
            changes = {**changes, "image_urls": [url for url in urls if not self._shows(url)]}
        return self._next(at, **rules.checked(changes))

    def with_image(self, image: Image, *, at: datetime) -> Self:
        """The next version, with one image more. Raises Conflict where there are too many."""
        if len(self.images) >= IMAGES_MAX:
            detail = f"Profile {self.id} has {IMAGES_MAX} images, the most there may be: delete one"
            raise Conflict(f"{detail}, and upload again.", code="too_many_images")
        return self._next(at, images=(*self.images, image))

    def with_image_instead(self, image_id: str, image: Image, *, at: datetime) -> Self:
        """The next version, with another image in the place of one. Raises NotFound."""
        self.image(image_id)
        others = (i for i in self.images if i.id == image_id or i.id != image.id)
        return self._next(at, images=tuple(image if i.id == image_id else i for i in others))

    def without_image(self, image_id: str, *, at: datetime) -> Self:
        """The next version, without that image. Raises NotFound."""
        self.image(image_id)
        return self._next(at, images=tuple(i for i in self.images if i.id != image_id))

    def image(self, image_id: str) -> Image:
        """One of its images. Raises NotFound."""
        for image in self.images:
            if image.id == image_id:
                return image
        raise NotFound(f"Profile {self.id} has no image {image_id}.")

    def removed(self, *, at: datetime) -> Self:
        """The next version, as a tombstone."""
        return self._next(at, deleted_at=at)

    def bared(self, *, at: datetime) -> Self:
        """The next version, as a tombstone without images, alive or not before."""
        return self._next(at, deleted_at=self.deleted_at or at, images=())

    def restored(self, *, at: datetime) -> Self:
        """The next version of a tombstone, alive again."""
        if self.deleted_at is None:
            raise Conflict(f"Profile {self.id} is not deleted.", code="not_deleted")
        return self._next(at, deleted_at=None)

    def _shows(self, url: object) -> bool:
        # Wherever they are served: the end of the path is theirs alone.
        key = "/".join(url.split("/")[-3:]) if isinstance(url, str) else ""
        return image_of(key) in {image.id for image in self.images}

    def _next(self, at: datetime, **changes: Any) -> Self:
        # A clock that went back must not make a change look older than the one before it.
        changes |= {"version": self.version + 1, "updated_at": max(at, self.updated_at)}
        return self.stored(**{name: getattr(self, name) for name in self.__slots__} | changes)


@dataclass(frozen=True, slots=True)
class Absence:
    """There is no living profile: its tombstone has `version`, or there is none, and it is 0."""

    id: UUID
    version: int


Entry: TypeAlias = Profile | Absence
"""What can be known of an id, at a version: a later one of either kind makes it old."""
