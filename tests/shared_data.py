"""Real files from elsewhere, kept beside the checkout. Tests that want them skip where they are absent."""

from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def shared(relative: str) -> Path:
    """The path of a shared file or folder; skips the test where it is absent."""
    path = SHARED_DATA / relative
    if not path.exists():
        pytest.skip(f"shared data not present: {relative}")
    return path
