"""The page of samples is made by one command, from the product, and is the page that the docs have."""

import re

import pytest

from tests.samples.__main__ import PAGE, page

_HEADING = re.compile(r"^#+ .*$", re.MULTILINE)


@pytest.mark.long
def test_the_page_of_samples_has_ten_templates_and_ten_explanations_and_is_in_the_docs() -> None:
    made = page()
    templates, explanations = made.partition("## Ten explanations")[::2]
    assert len(re.findall(r"^### sim-", templates, re.MULTILINE)) == 10
    assert len(re.findall(r"^### sim-", explanations.partition("## The template")[0], re.MULTILINE)) == 10
    assert not re.search(r"[{}\[\]|]", made.partition("## Ten templates")[2])
    assert _HEADING.findall(PAGE.read_text(encoding="utf-8")) == _HEADING.findall(made), "run `make samples`"
