"""Profiles in files: one JSON object a line (NDJSON), or CSV with a header."""

from profilecore.entrypoints.files.csv_format import CsvWriter, read_csv
from profilecore.entrypoints.files.formats import Format, of_name, sniffed
from profilecore.entrypoints.files.lines import Broken, Read, Taken
from profilecore.entrypoints.files.ndjson import NdjsonWriter, read_ndjson

__all__ = [
    "Broken",
    "CsvWriter",
    "Format",
    "NdjsonWriter",
    "Read",
    "Taken",
    "of_name",
    "read_csv",
    "read_ndjson",
    "sniffed",
]
