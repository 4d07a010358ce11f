"""What becomes of a test that needs what this machine does not have."""

import os
from typing import NoReturn

import pytest


def miss(what: str) -> NoReturn:
    """Skip the test, saying `what` is missing; where CI or SKILLSTREAM_REQUIRE_SERVERS is set, fail it."""
    if os.environ.get("CI") or os.environ.get("SKILLSTREAM_REQUIRE_SERVERS") == "1":
        pytest.fail(what, pytrace=False)
    pytest.skip(what)
