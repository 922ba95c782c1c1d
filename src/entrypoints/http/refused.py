"""One answer for many: what is the same for all requests that get one error is made once."""

from typing import Final

import msgspec

from profilecore.entrypoints.http.asgi import Answer
from profilecore.entrypoints.http.exchange import completed_lines
from profilecore.entrypoints.http.problems import problem_answer
from profilecore.errors import ProfilecoreError

_PATH, _NAME = "{path}", "{name}"
_LENGTH: Final = b"content-length: "


class Refused:
    """The answer to whoever gets this error, for whom there is no time to make one."""

    def __init__(self, error: ProfilecoreError) -> None:
        self.status, head, body = problem_answer(error, _PATH, request_id=_NAME)
        before, _, after = head.partition(_LENGTH)
        without = before + after.partition(b"\r\n")[2]
        self._head = _blank(completed_lines(without, _NAME.encode(), {}), _NAME)
        self._body = _blank(body, f'"{_PATH}"', f'"{_NAME}"')

    def answer(self, path: str, name: str) -> Answer:
        """All of it, to the request with this id."""
        body = self._body % (msgspec.json.encode(path), msgspec.json.encode(name))
        head = self._head % name.encode() + b"%b%d\r\n" % (_LENGTH, len(body))
        return Answer(self.status, head, body)


def _blank(text: bytes, *given: str) -> bytes:
    """A form, to be filled in where these stand, in their order."""
    text = text.replace(b"%", b"%%")
    for words in given:
        before, _, after = text.partition(words.encode())
        text = before + b"%b" + after
    return text
