"""The JSON that requests carry, as types: what OpenAPI shows and what is read."""

from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from profilecore import rules
from profilecore.batch import ITEMS_MAX

# The rules below are the core's, which words their errors, and finds all of them in one go:
# so they stand in the schema only, and the decoder checks no more than shape and type.
_PLAIN = r"[^\u0000-\u001f\u007f-\u009f\u2028\u2029]"
_VISIBLE = r"[^\s\u0000-\u001f\u007f-\u009f\u2028\u2029]"

Name = Annotated[
    str,
    Meta(
        description="1 to 255 characters after trimming, no control characters.",
        examples=["Ada Lovelace"],
        extra_json_schema={
            "minLength": 1,
            "maxLength": rules.NAME_MAX,
            "pattern": f"^{_PLAIN}*{_VISIBLE}{_PLAIN}*$",
        },
    ),
]
Email = Annotated[
    str,
    Meta(
        description="A valid address, unique without regard to case.",
        examples=["ada@example.com"],
        extra_json_schema={"maxLength": rules.EMAIL_MAX, "format": "email"},
    ),
]
Bio = Annotated[
    str,
    Meta(
        description="Any text; of control characters only tab and line ends.",
        examples=["Wrote the first program."],
        extra_json_schema={
            "maxLength": rules.BIO_MAX,
            "pattern": r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$",
        },
    ),
]
WebUrl = Annotated[
    str,
    Meta(
        description="An absolute http or https URL.",
        examples=["https://example.com/ada.jpg"],
        # A format of our own: no pattern says which hosts there may be.
        extra_json_schema={"maxLength": rules.URL_MAX, "format": "web-url"},
    ),
]
ImageUrls = Annotated[list[WebUrl], Meta(extra_json_schema={"maxItems": rules.IMAGE_URLS_MAX})]
Version = Annotated[int, Meta(ge=1, description="The version that you saw; left out: any.")]
_Owner = Annotated[
    str,
    # Of a choice msgspec writes its own list, so what is said of the text stands with the text.
    Meta(
        extra_json_schema={
            "minLength": 1,
            "maxLength": rules.OWNER_MAX,
            "pattern": f"^{_PLAIN}+$",
        }
    ),
]
Owner = Annotated[
    _Owner | None,
    Meta(
        description="Whose it is: the subject of a caller. Another than oneself takes scope ops.",
        examples=["user:17"],
    ),
]


class NewProfile(Struct, forbid_unknown_fields=True):
    """A profile to be made."""

    name: Name
    email: Email
    bio: Bio | UnsetType = UNSET
    image_urls: ImageUrls | UnsetType = UNSET
    owner: Owner | UnsetType = UNSET


class ProfileChanges(Struct, forbid_unknown_fields=True):
    """Any of the fields; one that is left out stays as it is."""

    name: Name | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    bio: Bio | UnsetType = UNSET
    image_urls: ImageUrls | UnsetType = UNSET
    owner: Owner | UnsetType = UNSET


class ProfilePatch(Struct, forbid_unknown_fields=True):
    """A JSON merge patch (RFC 7396): null clears all but name and email."""

    name: Name | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    bio: Bio | UnsetType | None = UNSET
    image_urls: ImageUrls | UnsetType | None = UNSET
    owner: Owner | UnsetType = UNSET

    def values(self) -> dict[str, Any]:
        """The changes, with what is cleared as its empty value."""
        empty: dict[str, Any] = {"bio": "", "image_urls": [], "owner": None}
        return {f: empty[f] if v is None else v for f, v in given(self).items()}


class BatchUpdate(Struct, forbid_unknown_fields=True):
    """One profile to be changed."""

    id: UUID
    version: Version | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    bio: Bio | UnsetType = UNSET
    image_urls: ImageUrls | UnsetType = UNSET
    owner: Owner | UnsetType = UNSET


class BatchDelete(Struct, forbid_unknown_fields=True):
    """One profile to be deleted."""

    id: UUID
    version: Version | UnsetType = UNSET


class Batch(Struct, forbid_unknown_fields=True):
    """At most 1,000 changes in all, done in this order: create, update, delete."""

    create: Annotated[list[NewProfile], Meta(extra_json_schema={"maxItems": ITEMS_MAX})] = []
    update: Annotated[list[BatchUpdate], Meta(extra_json_schema={"maxItems": ITEMS_MAX})] = []
    delete: Annotated[
        list[BatchDelete | UUID],
        Meta(
            description="Ids, or objects with the version that you saw.",
            extra_json_schema={"maxItems": ITEMS_MAX},
        ),
    ] = []


def given(body: Struct) -> dict[str, Any]:
    """The fields that a body gives."""
    values = {field: getattr(body, field) for field in body.__struct_fields__}
    return {field: value for field, value in values.items() if value is not UNSET}
