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
    """Words that mean something else in these files."""

    words: frozenset[str]
    paths: tuple[str, ...]
    reason: str


def _allowed(words: str, paths: str, reason: str) -> Allowed:
    return Allowed(frozenset(words.split()), tuple(paths.split()), reason)


ALLOWED: Final = (
    _allowed("line lines", "agents/cli/* agents/logs/* agents/web/* agents/display/* agents/demo/*", "lines of text"),
    _allowed(
        "line lines",
        "agents/config/* agents/metrics/* schemas/configuration/*",
        "lines of a log or of a file of settings",
    ),
    _allowed("line lines", "streams/conversion/* streams/training/labels.py", "lines of a CSV file"),
    _allowed("line", "schemas/dialects/caliper/version.py", "the line of a type's ancestors"),
    _allowed("cell cells head heads", "agents/cli/* agents/web/* agents/demo/*", "parts of a table that people read"),
    _allowed("block blocks", "agents/kafka/inflation.py agents/stores/budget.py", "blocks of zstd, LZ4 and RocksDB"),
    _allowed(
        "block", "agents/* streams/reasoning/explainer.py", "to keep from going on: an event loop, calls to a provider"
    ),
    _allowed(
        "mark marks",
        "schemas/* streams/folding/facts.py",
        "a grader's mark, an event of the contract; a byte order mark",
    ),
    _allowed(
        "parts",
        "schemas/* agents/* streams/reasoning/* streams/training/* streams/input/*",
        "parts of a record, of a text",
    ),
    _allowed(
        "parts",
        "streams/folding/batch.py streams/folding/dead_letters.py",
        "the parts of a record, a field of dead letters",
    ),
    _allowed("person", "schemas/dialects/*", "the Person of Caliper and xAPI"),
    _allowed("person", "agents/cli/train.py", "named after the released option --person"),
    _allowed("home", "schemas/dialects/xapi/* schemas/dialects/students.py", "xAPI's homePage"),
    _allowed(
        "place places",
        "agents/cli/dead_letters.py schemas/dialects/caliper/*",
        "the released argument PLACE; `in place`",
    ),
    _allowed("judged", "streams/verification/report.py", "`not_judged`, a key of the JSON of `verify`"),
    _allowed("forgotten", "agents/operations/dead_letters/replay.py", "a key of the JSON of `dead-letters replay`"),
    _allowed(
        "alone",
        "streams/rows/* streams/folding/readings.py streams/simulation.py",
        "a control varied alone: a fact of problem solving",
    ),
    _allowed("forget", "agents/delivery/*", "to drop from memory: no student's data is meant"),
    _allowed("small", "agents/kafka/*", "a size"),
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
    rows = (line.strip("|").split("|") for line in page.splitlines() if line.startswith("| "))
    return frozenset(word.strip() for row in rows if row[-1].strip() != "not" for word in row[-1].split(",")) - {
        "",
        "---",
    }


def names_in(path: str, source: str) -> Iterator[Name]:
    """The module's name and all that it defines."""
    yield Name(path, 1, Path(path).stem if Path(path).stem != "__init__" else Path(path).parent.name)
    for node in ast.walk(ast.parse(source)):
        line = getattr(node, "lineno", 1)
        match node:
            case ast.FunctionDef(name=text) | ast.AsyncFunctionDef(name=text) | ast.ClassDef(name=text):
                yield Name(path, line, text)
            case ast.arg(arg=text) | ast.alias(asname=str(text)) | ast.ExceptHandler(name=str(text)):
                yield Name(path, line, text)
            case ast.Name(id=text, ctx=ast.Store()) | ast.Attribute(attr=text, ctx=ast.Store()):
                yield Name(path, line, text)


def found_in(name: Name, words: Iterable[str]) -> str | None:
    """The given-up word in a name; None where there is none, or where it is allowed."""
    own = words_of(name.text)
    joined = f"_{'_'.join(own)}_"
    for word in sorted(words):
        is_there = f"_{word}_" in joined.replace("dead_letter", "deadletter").replace(
            "allowed_lateness", "allowedlateness"
        )
        if is_there and not any(word in one.words and any(fnmatch(name.path, p) for p in one.paths) for one in ALLOWED):
            return word
    return None


def defined_twice(modules: Mapping[str, str]) -> Iterator[str]:
    """Public classes, functions and variables of more than one module."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for path, source in modules.items():
        for node in ast.parse(source).body:
            match node:
                case ast.FunctionDef(name=text) | ast.AsyncFunctionDef(name=text) | ast.ClassDef(name=text):
                    places[text].append(path)
                case ast.Assign(targets=[ast.Name(id=text)]) | ast.AnnAssign(target=ast.Name(id=text)):
                    places[text].append(path)
    for text, paths in sorted(places.items()):
        if len(set(paths)) > 1 and not text.startswith("_") and text not in TWICE:
            yield f"{text} is defined in {', '.join(paths)}: one name means one thing"


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
    yield from defined_twice(sources(*PACKAGES))


if __name__ == "__main__":
    found = sorted(set(findings()))
    print("\n".join(found) or "Names are the glossary's")  # noqa: T201
    sys.exit(1 if found else 0)
