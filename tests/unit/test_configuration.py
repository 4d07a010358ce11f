"""Files of configuration: what is refused is what the type refuses, and is said in the words of its readers."""

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.configuration.document import read_toml
from schemas.configuration.lines import line_of
from schemas.dialects.mapping import Mapping
from streams.skills.skill_set import SkillSet

SKILLS: Final = (files("streams") / "config" / "default.toml").read_text(encoding="utf-8")
MAPPING: Final = (Path(__file__).parents[2] / "docs" / "mapping.toml").read_text(encoding="utf-8")
OTHER_VALUES: Final = (
    *("1", "0", "-3", "2.5", "1e9", "inf", "nan", "true", "'x'", "''", "[]", "[1]", "['a', 'b']", "{}"),
    *("{ a = 1 }", "2026-01-01", "07:30:00", "[[]]", "'Öl – \\u0007'"),
)


@st.composite
def changed(draw: st.DrawFn, text: str) -> str:
    """A file with one assignment that has another value, another name, or is gone."""
    lines = text.split("\n")
    at = draw(st.sampled_from([n for n, line in enumerate(lines) if _is_assignment(line)]))
    name, value = lines[at].rsplit(" = ", 1) if lines[at].count(" = ") == 1 else (lines[at].split(" = ")[0], "1")
    changes = [f"{name} = {other}" for other in OTHER_VALUES]
    lines[at] = draw(st.sampled_from([*changes, f"{name}x = {value}", ""]))
    return "\n".join(lines)


def _is_assignment(line: str) -> bool:
    try:
        return " = " in line and bool(tomllib.loads(line)) and not line.startswith("[")
    except tomllib.TOMLDecodeError:
        return False


@pytest.mark.parametrize(("type_", "text"), [(SkillSet, SKILLS), (Mapping, MAPPING)])
def test_what_the_type_takes_is_taken_and_what_it_refuses_is_refused_in_our_words(type_: type, text: str) -> None:
    @given(changed(text))
    def holds(changed_text: str) -> None:
        try:
            document = tomllib.loads(changed_text)
            expected: object = msgspec.convert(document, type_)
        except msgspec.ValidationError:
            with pytest.raises(ValueError, match=r"^line \d+: |is missing") as refused:
                read_toml(changed_text, type_)
            assert "Expected `" not in str(refused.value)
            assert "Object " not in str(refused.value)
        except tomllib.TOMLDecodeError:
            pass
        else:
            assert read_toml(changed_text, type_) == expected

    holds()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[xapi]\n\n'urn:v' = 3\n", "line 3: xapi.urn:v: 3 is not a text or a table"),
        ("[xapi]\n'urn:v' = { work = 3 }\n", "line 2: xapi.urn:v.work: 3 is not a text"),
        ("[xpai]\n", "line 1: xpai: there is no such key. Did you mean xapi?"),
        ("students = 3\n", "line 1: students: 3 is not a list"),
        ("[[students]]\nprefix = 'a'\n\n[[students]]\nkey = 'b'\n", "line 4: students.1: prefix is missing: a text"),
        ("[[students]]\nprefix = 'a'\n[[students]]\nprefx = 'b'\n", "line 4: students.1.prefx: there is no such key"),
        ("xapi = [\n  1,\n]\n[caliper]\n", "line 1: xapi: a list is not a table"),
    ],
)
def test_a_fault_is_named_by_its_line_and_its_keys(text: str, said: str) -> None:
    with pytest.raises(ValueError, match="line") as refused:
        read_toml(text, Mapping)

    assert str(refused.value).startswith(said)


def test_what_is_wrong_with_a_value_is_said_before_what_is_missing() -> None:
    with pytest.raises(ValueError, match="line 1: skills: 3 is not a table"):
        read_toml("skills = 3", SkillSet)


def test_lines_are_those_of_statements_whatever_texts_hold() -> None:
    text = (
        "a = '''\nb = 1\n[c]\n'''\n\n# b = 2\nb = [\n 1,\n 2]\n[d.'e f']\ng.h = 1\n[[i]]\n[i.j]\nk = 1\n[[i]]\nk = 2\n"
    )

    lines = {path: line_of(text, path) for path in (("a",), ("b", 1), ("d", "e f", "g", "h"), ("i", 0, "j", "k"))}

    assert lines == {("a",): 1, ("b", 1): 7, ("d", "e f", "g", "h"): 11, ("i", 0, "j", "k"): 14}
    assert line_of(text, ("i", 1, "k")) == 16
    assert line_of(text, ("i", 1, "none")) == 15
    assert line_of(text, ("none",)) is None
