"""`expected.py` of a handout: what was worked out when it was made."""

import json
from pathlib import Path
from typing import Any

FOUND: dict[str, dict[str, Any]] = json.loads(
    Path(__file__).with_name("answers.json").read_text(encoding="utf-8")
)
NUMBERS = list(FOUND)


def answers(number: str) -> dict[str, Any]:
    """right and apart: see the file."""
    return FOUND[number]
