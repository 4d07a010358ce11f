"""The check of identifiers against the glossary finds what it is there for."""

import pytest

from tests.glossary_check import (
    ALLOWED,
    Name,
    allowed_for_nothing,
    defined_twice,
    findings,
    found_in,
    given_up,
    names_in,
    words_of,
)

PAGE = """
| word | what it is | not |
| --- | --- | --- |
| estimate | what a source says | opinion, opinions |
| re-emitted | published again | said_again |
| segment | ids | |
"""


def test_the_tree_uses_the_glossarys_words() -> None:
    assert list(findings()) == []


@pytest.mark.parametrize(
    ("identifier", "words"),
    [("rows_of", ["rows", "of"]), ("RowBatch", ["row", "batch"]), ("HTTPError", ["http", "error"]), ("_MAX", ["max"])],
)
def test_an_identifier_is_split_into_whole_words(identifier: str, words: list[str]) -> None:
    assert words_of(identifier) == words


def test_the_last_column_is_what_is_given_up() -> None:
    assert given_up(PAGE) == {"opinion", "opinions", "said_again"}


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("class ModelOpinion: ...", "opinion"),
        ("def opinions_of(): ...", "opinions"),
        ("def f(opinion): ...", "opinion"),
        ("self.last_opinion = 1", "opinion"),
        ("from a import b as opinion", "opinion"),
        ("for opinion in (): ...", "opinion"),
        ("was_said_again = True", "said_again"),
        ("opinionated = said = again = 1", None),
        ("import opinion", None),
    ],
)
def test_a_name_that_is_defined_is_held_to_whole_words(source: str, word: str | None) -> None:
    found = [found_in(name, given_up(PAGE)) for name in names_in("streams/any.py", source)]

    assert [one for one in found if one] == ([word] if word else [])


def test_a_word_behind_dead_is_another() -> None:
    assert found_in(Name("streams/any.py", 1, "StoredDeadLetter"), {"letter"}) is None
    assert found_in(Name("streams/any.py", 1, "stored_letter"), {"letter"}) == "letter"


def test_a_word_is_allowed_only_where_it_means_something_else() -> None:
    assert found_in(Name("agents/cli/any.py", 1, "read_lines"), {"lines"}) is None
    assert found_in(Name("streams/folding/any.py", 1, "read_lines"), {"lines"}) == "lines"
    assert all(one.reason for one in ALLOWED)


def test_an_allowance_that_no_name_needs_is_found() -> None:
    needed = Name("agents/web/page.py", 1, "read_lines")
    other = Name("streams/rows/row.py", 1, "lines")

    found = list(allowed_for_nothing([needed, other]))

    assert "agents/logs/*: no name there has line or lines, which needs no allowance" in found
    assert len(found) < len(ALLOWED)
    assert not any(each.startswith("agents/web/*: no name there has line ") for each in found)


def test_a_public_name_of_two_modules_is_found() -> None:
    modules = {"a.py": "class Outcome: ...\n_x = 1\n", "b.py": "Outcome = int\n_x = 2\n", "c.py": "def other(): ...\n"}

    assert list(defined_twice(modules)) == ["Outcome is defined in a.py, b.py: one name means one thing"]
