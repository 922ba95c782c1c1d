"""The metrics of all processes behind one port, whichever of them is asked."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest

from profilecore.entrypoints.many.member import Member

LABEL: Final = "member"
ANSWER_MAX: Final = 1.0  # seconds


class Exposition:
    """What Prometheus is told: of this process, and of those that serve beside it.

    Each series of one of several has its number as the label `member`. One that does not answer
    within `ANSWER_MAX` seconds is left out, as it is while it is begun anew.
    """

    def __init__(self, registry: CollectorRegistry, member: Member | None) -> None:
        self._registry = registry
        self._member = member

    async def text(self) -> bytes:
        """All of it, in the text format 0.0.4."""
        own = generate_latest(self._registry)
        if self._member is None:
            return own
        numbers = self._member.others()
        others = await asyncio.gather(*(_asked(self._member.place(number)) for number in numbers))
        texts = {self._member.number: own, **dict(zip(numbers, others, strict=True))}
        return merged({str(number): texts[number].decode() for number in sorted(texts)}).encode()

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        """Have the others told, until the block ends."""
        if self._member is None:
            yield
            return
        place = self._member.place(self._member.number)
        place.unlink(missing_ok=True)  # of one that was killed
        server = await asyncio.start_unix_server(self._tell, place)
        try:
            yield
        finally:
            server.close()

    async def _tell(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(generate_latest(self._registry))
        with suppress(OSError):  # who asked has given up
            await writer.drain()
        writer.close()


async def _asked(place: Path) -> bytes:
    """What another process tells of itself."""
    try:
        async with asyncio.timeout(ANSWER_MAX):
            reader, writer = await asyncio.open_unix_connection(place)
            try:
                return await reader.read()
            finally:
                writer.close()
    except OSError:  # TimeoutError is one
        return b""


def merged(texts: Mapping[str, str]) -> str:
    """One text of several, the series of each with the name of where they are from."""
    heads: dict[str, list[str]] = {}
    series: dict[str, list[str]] = {}
    for name, text in texts.items():
        family = ""
        for line in text.splitlines():
            if line.startswith("#"):
                family = line.split(" ", 3)[2]
                kept = heads.setdefault(family, [])
                if line not in kept:
                    kept.append(line)
            elif line:
                series.setdefault(family, []).append(_labelled(line, name))
    return "".join(
        f"{line}\n" for family in heads for line in (*heads[family], *series.get(family, ()))
    )


def _labelled(line: str, name: str) -> str:
    label = f'{LABEL}="{name}"'
    start, brace, rest = line.partition("{")
    if brace:
        return f"{start}{{{label},{rest}"
    start, _, value = line.partition(" ")
    return f"{start}{{{label}}} {value}"
