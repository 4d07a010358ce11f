"""Pages say what the commands say, and what was measured."""

import pytest

from tests.documents.blocks import DOCS
from tests.documents.written import PAGES, renewed


@pytest.mark.parametrize("page", PAGES)
def test_the_page_says_what_commands_print_and_what_was_measured(page: str) -> None:
    assert (DOCS / page).read_text("utf-8") == renewed(page), "make figures"
