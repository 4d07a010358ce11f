"""Prints docs/features.md: `python -m agents.cli.features_page > docs/features.md`."""

import sys
from collections.abc import Iterator
from typing import Final

from streams.evidence.features import FACT_COLUMNS, FEATURES, ROW_COLUMNS, revision_of
from streams.norms.relative import NORM_COLUMNS
from streams.rows.row import HALF_LIFE_US
from streams.vocabulary import Fact

_INTRODUCTION: Final = """\
# Facts and features

What a student's row counts, and what models may read of it. This page is printed by
`python -m agents.cli.features_page`.

An event states *facts*: each has a name, and a value where there is something to measure. A row keeps a few sums of
each fact's values, however many events there were ([the row](architecture.md)). *Features* are made of these sums,
{features} in all: `skillstream train --inputs` chooses among them by name ([training data](training-data.md)). What is
not known of a student is no number (NaN), never 0, and models take it as unknown.

## Facts

"Stands for" says whether a fact is the one that stands for its event (an event may state several, which are its
details), or only says where the student is. Those of `language` describe texts ([how](language.md)), for profiles:
no model reads them. The value is told in the unit given; times are kept as log(1 + seconds),
and what `failed` keeps is 1 − score. Where there is no unit the value is 1, but of `retried` the number of the try, of
`submitted` and `missed` the weight of the work, as far as events say these.

| fact | the student … | value | stated by | stands for |
| --- | --- | --- | --- | --- |
"""
_OF_FACTS: Final = """
## Features of a fact

Named `fact.feature`, as `attempted.recent_mean`. Recent means that what happened {days:g} days ago counts half.

| feature | what it is |
| --- | --- |
"""
_OF_ROWS: Final = """
## Features of the whole row

| feature | what it is |
| --- | --- |
"""
_OF_NORMS: Final = """
## Features against norms

Of a row beside its cohort, by the [norms](norms.md) in force: the class, the course, the course that it is a copy of,
the school or the source, whichever is the first that has a norm. Without one they are no number. They are read only
where `--inputs` names them.

| feature | what it is |
| --- | --- |
"""
_CLOSING: Final = """
A feature keeps its meaning. One that has to change gets another revision, and models trained on the former one are
refused at the start. Now revised: {revised}.
"""
_BRACKETS: Final = str.maketrans("", "", "[]")


def page_of_features() -> str:
    """The page, as Markdown."""
    revised = [f"`{name}` ({revision_of(name)})" for name in FEATURES if revision_of(name) > 1]
    return "".join(
        [
            _INTRODUCTION.format(features=len(FEATURES)),
            *_facts(),
            _OF_FACTS.format(days=HALF_LIFE_US / 86_400e6),
            *(f"| `{name}` | {column.words} |\n" for name, column in FACT_COLUMNS.items()),
            _OF_ROWS,
            *(f"| `{name}` | {column.words} |\n" for name, column in ROW_COLUMNS.items()),
            _OF_NORMS,
            *(f"| `{name}` | {words} |\n" for name, words in NORM_COLUMNS.items()),
            _CLOSING.format(revised=", ".join(revised) or "none"),
        ]
    )


def _facts() -> Iterator[str]:
    for fact in Fact:
        words = fact.words.translate(_BRACKETS).replace("{}", "n", 1).replace("{}", "s")
        unit = fact.measure.unit if fact.measure else ""
        stated_by = ", ".join(f"`{kind.__name__.lower()}`" for kind in fact.read_from)
        yield f"| `{fact.key}` | {words} | {unit} | {stated_by} | {fact.standing} |\n"


if __name__ == "__main__":
    sys.stdout.write(page_of_features())
