"""Take out of an installation, while an image is built, what a running service never opens.

Sources that were compiled, maps for debuggers, an editor that nobody serves, decoders of formats
that are not taken, made-up data of kinds that `profilecore seed` does not make. Each pattern has to
find something: one that finds nothing any more is an error, and to be looked at.

    python3 prune.py /opt/profilecore
"""

import shutil
import sys
from pathlib import Path

# The languages of people.py, as far as there are jobs and sentences in them.
SPOKEN = (
    *("en_US", "de_DE", "fr_FR", "pl_PL", "vi_VN", "ru_RU", "uk_UA", "el_GR", "ar_AA"),
    *("ja_JP", "zh_CN"),
)
KEPT = {
    # What documentation.py serves.
    "swagger_ui/static/*": ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"),
    # What people.py asks for; the folder itself is a package.
    "faker/providers/*": ("__init__.py", "__pycache__", "person", "lorem", "job"),
    "faker/providers/person/*": (
        *("__init__.py", *SPOKEN, "pt_BR", "tr_TR", "ko_KR", "he_IL", "hi_IN"),
    ),
    "faker/providers/job/*": ("__init__.py", *SPOKEN, "pt_BR", "tr_TR", "ko_KR"),
    "faker/providers/lorem/*": ("__init__.py", *SPOKEN, "he_IL", "la"),  # which is the default
    # What traces are sent by; the rest is of Google's own services.
    "google/*": ("protobuf", "_upb"),
    # Colours for code in a terminal: nobody shows any.
    "pygments/lexers/*": ("__init__.py", "_mapping.py"),
}
DROPPED = (
    *("**/*.c", "**/*.pyx", "**/*.pxd", "**/*.pyi", "**/*.h"),
    *("PIL/_avif*.so", "pillow.libs/libavif*"),
    # What draws text: pictures have none, and initials are SVG.
    *("PIL/_imagingft*.so", "pillow.libs/libharfbuzz*", "pillow.libs/libfreetype*"),
    "pillow.libs/libbrotli*",
    *("faker/decode", "certifi/tests", "*.dist-info/sboms"),
    # Bytecode of what only `profilecore seed` needs: it compiles it.
    "faker/**/__pycache__",
)


def drop(path: Path) -> None:
    """Remove a file, or a folder with all in it."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def main(folder: Path) -> None:
    """Prune the one environment in `folder`."""
    (packages,) = folder.glob("lib/python3*/site-packages")
    for pattern, kept in KEPT.items():
        found = {path.name: path for path in packages.glob(pattern)}
        for name in kept:
            if name not in found:
                raise SystemExit(f"prune.py keeps {name} of {pattern}, which is not there")
        for name in found.keys() - set(kept):
            drop(found[name])
    for pattern in DROPPED:
        matching = list(packages.glob(pattern))
        if not matching:
            raise SystemExit(f"prune.py drops {pattern}, of which there is none")
        for path in matching:
            drop(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
