"""`python -m deploy.grafana` writes the dashboards as JSON, for Grafana to read."""

from pathlib import Path
from typing import Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.grafana.boards import BOARDS
from deploy.grafana.panels import built

FOLDER: Final = Path(__file__).with_name("dashboards")


def written() -> dict[str, str]:
    """The text of each file, by its name."""
    encoder = JSONEncoder(sort_keys=True, indent=2)
    return {f"{board.name}.json": f"{encoder.encode(built(board))}\n" for board in BOARDS}


def main() -> None:
    """Write each file anew."""
    for name, text in written().items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
