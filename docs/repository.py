"""Where the repository is, for the code that writes parts of it."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
