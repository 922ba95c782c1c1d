"""`python -m fuzz TARGET SECONDS`: let coverage guide random bytes into one parser."""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["profilecore", "multipart"]):
    from fuzz.targets import TARGETS, seeds_into


def main() -> None:
    """End with an error, and the bytes in a file, at an exception that is not documented."""
    name, seconds = sys.argv[1:]
    target = TARGETS[name]
    with tempfile.TemporaryDirectory() as corpus:
        seeds_into(Path(corpus), name)
        limits = [f"-max_total_time={seconds}", "-max_len=2048", "-timeout=5", "-rss_limit_mb=1024"]
        atheris.Setup([sys.argv[0], *limits, "-artifact_prefix=fuzz/", corpus], target)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
