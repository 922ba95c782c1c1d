"""The answer to a read of one profile, without the machinery that a route needs.

Most requests are such reads, and most of what one costs is Litestar's: finding the route, making a
Request and its parameters, dependencies, a Response. None of that changes the answer, which is made
here by the same functions. Left out is nothing that a client could see: what these reads are not
quite (a query, a body, another spelling of the id) goes on to the route.
"""

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Final
from uuid import UUID

import msgspec

from profilecore.entrypoints.http.access import READ, Guard, within_reach
from profilecore.entrypoints.http.answers import ProfileReading, read_headers
from profilecore.entrypoints.http.asgi import Answer, AsgiScope
from profilecore.entrypoints.http.problems import problem_answer
from profilecore.entrypoints.http.reading import consistency_position, not_modified
from profilecore.entrypoints.policy import Budget, Policy
from profilecore.entrypoints.wire import ENCODER, ProfileBody
from profilecore.service import ProfileService

PREFIX: Final = "/api/v1/profiles/"
_PATH: Final = re.compile(re.escape(PREFIX) + r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_METHODS: Final = frozenset({"GET", "HEAD"})
_JSON: Final = b"%bcontent-type: application/json\r\ncontent-length: %d\r\n"
_OK, _NOT_MODIFIED = int(HTTPStatus.OK), int(HTTPStatus.NOT_MODIFIED)  # an enum costs more


class ShortPath:
    """Reads one profile, for whom the guard lets through."""

    route: Final = PREFIX + "{profile_id}"
    """What metrics call it: the same as that of the long path."""

    def __init__(
        self,
        guard: Guard,
        service: ProfileService,
        policy: Policy,
        in_fallback: Callable[[], bool],
    ) -> None:
        self._guard = guard
        self._service = service
        self._policy = policy
        self._in_fallback = in_fallback

    def takes(self, scope: AsgiScope) -> bool:
        """Whether this, which has no body, is such a read and nothing beside it."""
        return (
            _PATH.fullmatch(scope["path"]) is not None
            and scope["method"] in _METHODS
            and not scope["query_string"]
        )

    async def answer(self, scope: AsgiScope) -> Answer:
        """All of the answer, whatever it is, but for what every answer has."""
        try:
            return await self._read(scope)
        except Exception as error:
            return problem_answer(error, scope["path"])

    async def _read(self, scope: AsgiScope) -> Answer:
        caller = await self._guard.admit(scope, READ, Budget.READS)
        service = within_reach(self._service, caller, READ)
        profile_id = msgspec.convert(scope["path"][len(PREFIX) :], UUID)
        reading = await service.read(profile_id, seen=consistency_position(scope))
        said = read_headers(reading, self._in_fallback())
        head = "".join([f"{name}: {value}\r\n" for name, value in said.items()]).encode()
        if not_modified(scope, reading.profile.version):
            return Answer(_NOT_MODIFIED, head, b"")
        profile = ProfileBody.of(reading.profile, self._policy.media)
        body = ENCODER.encode(ProfileReading(profile, reading.source))
        return Answer(_OK, _JSON % (head, len(body)), body)
