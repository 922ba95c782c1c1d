"""`profilecore export`: every living profile, oldest first."""

from profilecore import Count, ProfileService, Query
from profilecore.entrypoints.cli.output import Write
from profilecore.entrypoints.cli.progress import progress
from profilecore.entrypoints.files import CsvWriter, Format, NdjsonWriter


async def export_to(service: ProfileService, write: Write, kind: Format, media: str) -> int:
    """Write all profiles, a page at a time; give their number."""
    writer = CsvWriter(media) if kind is Format.CSV else NdjsonWriter(media)
    total = (await service.list(Query(limit=1, count=Count.EXACT))).total
    done = 0
    with progress("Exporting", total, "rows") as advance:
        write(writer.header)
        async for page in service.export():
            write(writer.encode(page))
            done += len(page)
            advance(done)
    return done
