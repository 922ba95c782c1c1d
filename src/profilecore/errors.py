"""The five errors of the core, under one base.

Adapters translate what their client library raises into one of these and keep
the cause. What a caller shows for each is decided in one table at the edge.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing that is wrong with one field; `field` is a path such as `image_urls[2]`."""

    field: str
    message: str


class ProfilecoreError(Exception):
    """Base of every error that profilecore raises on purpose.

    `code` is a stable word for programs, `detail` a sentence for people. `item` is the index
    of the change that failed, where an all-or-nothing write of several was refused. `request_id`
    is that of the request that was refused, where this is said again to another one.
    """

    code = "error"
    request_id: str | None = None

    def __init__(self, detail: str, *, code: str | None = None, item: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or type(self).code
        self.item = item


class NotFound(ProfilecoreError):
    """There is no such thing.

    Codes: `not_found`, `position_gone` for a place in the log, and `answer_gone` where what was
    done before cannot be told again.
    """

    code = "not_found"


class Conflict(ProfilecoreError):
    """The state of the store forbids it.

    Codes: `conflict`, `email_taken`, `id_taken`, `not_deleted`, `task_state`, `too_many_images`,
    `image_gone`, `still_running`, and `stale_version`, which carries the `version` that is stored
    now.
    """

    code = "conflict"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        item: int | None = None,
        version: int | None = None,
    ) -> None:
        super().__init__(detail, code=code, item=item)
        self.version = version


class Invalid(ProfilecoreError):
    """The input breaks a rule; `errors` names every field that does.

    Codes: `invalid` (well formed, but not allowed), `malformed` (cannot be read at all),
    `key_reused`, `precondition_required`, and for an image `not_an_image`, `too_many_pixels`,
    `too_many_frames` and `broken_image`.
    """

    code = "invalid"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        item: int | None = None,
        errors: Sequence[FieldError] = (),
    ) -> None:
        super().__init__(detail, code=code, item=item)
        self.errors = tuple(errors)

    @classmethod
    def field(cls, field: str, message: str, code: str = "invalid") -> Self:
        """One field is at fault."""
        return cls(f"Not valid: {field}.", code=code, errors=[FieldError(field, message)])


class Denied(ProfilecoreError):
    """The caller is not allowed to do it.

    Codes: `forbidden`, and `unauthenticated` where it is not known who asks.
    """

    code = "forbidden"


class Unavailable(ProfilecoreError):
    """A store or server did not answer in time; the same call may succeed in `retry_after` s."""

    code = "unavailable"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        item: int | None = None,
        retry_after: int = 1,
    ) -> None:
        super().__init__(detail, code=code, item=item)
        self.retry_after = retry_after
