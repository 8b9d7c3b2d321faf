"""Write every dashboard to ``grafana/dashboards``."""

import json
from pathlib import Path
from typing import Final

from grafana import exporter_health, interruptions, overview, recordings

FOLDER: Final = Path(__file__).parent / "dashboards"


def files() -> dict[str, str]:
    """Return the text of every dashboard by the name of its file."""
    boards = [part.build() for part in (overview, interruptions, recordings, exporter_health)]
    return {
        f"{board['uid']}.json": json.dumps(board, indent=1, ensure_ascii=False) + "\n"
        for board in boards
    }


if __name__ == "__main__":
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
