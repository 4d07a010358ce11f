"""Data sets that are no part of the repository: where they are not, what needs them is skipped, and says so."""

import os
from pathlib import Path
from typing import Final

import pytest

SHARED: Final = Path(os.environ.get("SKILLSTREAM_TEST_DATA") or Path(__file__).parents[2] / "shared" / "data")


def needs(name: str) -> pytest.MarkDecorator:
    """Skips a test where that file or folder of SHARED is missing."""
    reason = f"the real data are not here ({SHARED / name}); name their folder in SKILLSTREAM_TEST_DATA"
    return pytest.mark.skipif(not (SHARED / name).exists(), reason=reason)
