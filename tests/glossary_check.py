"""Compares the whole words of identifiers with those that docs/glossary.md gives up; finds names that mean two things.

    python -m tests.glossary_check      prints what it finds, and exits with 1 if there is anything

Names count where they are defined: modules, classes, functions, parameters, variables, attributes. Tests may use plain
English: of the given-up words they are held to COINED only.
"""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[1]
PACKAGES: Final = ("schemas", "streams", "agents")
COINED: Final = frozenset(
    "opinion opinions judgement telling tellings sift sifted stub stubs roster surroundings examination foresee "
    "foreseen lane lanes letter letters weighed said_again take_up put_out".split()
)


class Allowed(NamedTuple):
    """Words that mean something else in files whose path fits the pattern."""

    words: frozenset[str]
    pattern: str
    reason: str

    def covers(self, path: str, word: str) -> bool:
        """Whether the word stays in that file."""
        return word in self.words and fnmatch(path, self.pattern)


_TABLE: Final = """\
line lines | agents/cli/* agents/logs/* agents/web/* agents/dashboard/* agents/display/* agents/demo/* | lines of text
line lines | agents/config/* agents/metrics/* schemas/configuration/* | lines of a log or of a file of settings
line lines | streams/conversion/* streams/training/labels.py | lines of a CSV file
cell cells | streams/conversion/csv_cells.py streams/conversion/csv_events.py | cells of a CSV file
line | schemas/dialects/caliper/version.py | the line of a type's ancestors
cell cells head heads | agents/cli/* agents/dashboard/* agents/demo/* | parts of a table that people read
block | schemas/dialects/openedx/* | Open edX's word for a part of a course
block | agents/* streams/reasoning/explainer.py | to keep from going on: an event loop, calls to a provider
mark marks | schemas/* | a grader's mark, an event of the contract; a byte order mark
parts | schemas/* agents/* streams/reasoning/* streams/training/* streams/input/* | parts of a record, of a text
parts | streams/folding/dead_letters.py | the parts of a record, a field of dead letters
person | schemas/dialects/* | the Person of Caliper and xAPI
person | agents/cli/training_options.py | named after the released option --person
person | agents/cli/export_person.py | named after the command export-person
home | schemas/dialects/xapi/* schemas/dialects/students.py | xAPI's homePage
place | agents/cli/dead_letters.py schemas/dialects/caliper/* | the released argument PLACE; `in place`
judged | streams/verification/report.py | `not_judged`, a key of the JSON of `verify`
forgotten | agents/operations/dead_letters/replay.py | a key of the JSON of `dead-letters replay`
alone | streams/rows/* streams/folding/readings.py streams/simulation.py | a control varied alone, a fact
forget | agents/delivery/* | to drop from memory: no student's data is meant
small | agents/kafka/* | a size
"""
ALLOWED: Final = tuple(
    Allowed(frozenset(words.split()), pattern, reason)
    for words, patterns, reason in (line.split(" | ") for line in _TABLE.splitlines())
    for pattern in patterns.split()
)
"""What the glossary gives up, and where it stays."""

TWICE: Final = {
    "command": "each module of agents/cli has one: the click command",
    "decode": "the protocol of a dialect",
    "logger": "a module's own logger",
    "CONTEXT": "each version of Caliper has its own",
}
"""Public names that several modules define on purpose."""


class Name(NamedTuple):
    """An identifier where it is defined."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


def words_of(identifier: str) -> list[str]:
    """The words of snake_case and CamelCase, in lower case."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", identifier)
    return [word.lower() for word in split.split("_") if word]


def given_up(page: str) -> frozenset[str]:
    """The last column of the glossary's tables; several words with _ between them stand for one after the other."""
    columns = (line.split("|")[-2] for line in page.splitlines() if line.startswith("| "))
    return frozenset(word.strip() for column in columns for word in column.split(",")) - {"", "---", "not"}


def name_of(node: ast.AST) -> str | None:
    """What a node defines; None where it defines nothing."""
    match node:
        case ast.FunctionDef(name=text) | ast.AsyncFunctionDef(name=text) | ast.ClassDef(name=text):
            return text
        case ast.arg(arg=text) | ast.alias(asname=str(text)) | ast.ExceptHandler(name=str(text)):
            return text
        case ast.Name(id=text, ctx=ast.Store()) | ast.Attribute(attr=text, ctx=ast.Store()):
            return text
    return None


def names_in(path: str, source: str) -> Iterator[Name]:
    """The module's name and all that it defines."""
    yield Name(path, 1, Path(path.removesuffix("/__init__.py")).stem)
    for node in ast.walk(ast.parse(source)):
        if text := name_of(node):
            yield Name(path, getattr(node, "lineno", 1), text)


def words_in(name: Name, words: Iterable[str]) -> Iterator[str]:
    """The given-up words in a name."""
    joined = f"_{'_'.join(words_of(name.text))}_"
    for compound in ("dead_letter", "allowed_lateness"):
        joined = joined.replace(compound, compound.replace("_", ""))
    return (word for word in sorted(words) if f"_{word}_" in joined)


def found_in(name: Name, words: Iterable[str]) -> str | None:
    """The given-up word in a name; None where there is none, or where it is allowed."""
    found = words_in(name, words)
    return next((word for word in found if not any(each.covers(name.path, word) for each in ALLOWED)), None)


def defined_twice(modules: Mapping[str, str]) -> Iterator[str]:
    """Public classes, functions and variables of more than one module."""
    places: defaultdict[str, set[str]] = defaultdict(set)
    for path, source in modules.items():
        for node in ast.parse(source).body:
            targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
            for text in filter(None, map(name_of, (node, *targets))):
                places[text].add(path)
    for text, paths in sorted(places.items()):
        if len(paths) > 1 and not text.startswith("_") and text not in TWICE:
            yield f"{text} is defined in {', '.join(sorted(paths))}: one name means one thing"


def allowed_for_nothing(names: Iterable[Name]) -> Iterator[str]:
    """Entries of ALLOWED that none of these names needs."""
    words = frozenset[str]().union(*(each.words for each in ALLOWED))
    found = [(name.path, word) for name in names for word in words_in(name, words)]
    for each in ALLOWED:
        if not any(each.covers(*one) for one in found):
            yield f"{each.pattern}: no name there has {' or '.join(sorted(each.words))}, which needs no allowance"


def sources(*folders: str) -> dict[str, str]:
    """Python files by their path below the top of the tree."""
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in paths}


def findings() -> Iterator[str]:
    """What is wrong, a line each."""
    banned = given_up((ROOT / "docs/glossary.md").read_text("utf-8"))
    for folders, words in ((PACKAGES, banned), (("tests",), banned & COINED)):
        for path, source in sources(*folders).items():
            for name in names_in(path, source):
                if word := found_in(name, words):
                    yield f"{name}: {word.replace('_', ' ')!r} is given up, see docs/glossary.md"
    modules = sources(*PACKAGES)
    yield from defined_twice(modules)
    yield from allowed_for_nothing(name for each in modules.items() for name in names_in(*each))


if __name__ == "__main__":
    found = sorted(set(findings()))
    print("\n".join(found) or "Names are the glossary's")  # noqa: T201
    sys.exit(1 if found else 0)
