"""Codes of GB/T 2260 that were in force at any time, from `divisions/gbt2260.tsv`."""

from functools import cache
from pathlib import Path

FACTS = Path(__file__).parent / "divisions" / "gbt2260.tsv"


@cache
def division_names() -> dict[str, str]:
    """Code → newest name."""
    rows = (line.split("\t") for line in FACTS.read_text("utf-8").splitlines() if not line.startswith("#"))
    return {code: name for code, name, *_ in rows}
