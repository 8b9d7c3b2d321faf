"""Write every dashboard to ``grafana/dashboards``."""

import json
from pathlib import Path
from typing import Final

from grafana import exporter_health, interruption_log, interruptions, overview, recordings

FOLDER: Final = Path(__file__).parent / "dashboards"


def files() -> dict[str, str]:
    """Return the text of every dashboard by the name of its file."""
    parts = (overview, interruptions, interruption_log, recordings, exporter_health)
    boards = [part.build() for part in parts]
    return {
        f"{board['uid']}.json": json.dumps(board, indent=1, ensure_ascii=False) + "\n"
        for board in boards
    }


if __name__ == "__main__":
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
