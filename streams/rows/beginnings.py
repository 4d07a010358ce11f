"""What the extensions of rows begin with: words that say how long they are, of as many as the row's version says."""

from collections.abc import Sequence
from typing import Final

from streams.rows.enrolment import names_source
from streams.rows.layout import COMPONENTS_VERSION, EXTENDED_VERSION, LENGTH, LENGTHS, ROW_VERSION, WORD

NO_KEY: Final = bytes(WORD)
_TWO_WORDS: Final = 2 * WORD
_THREE_WORDS: Final = 3 * WORD


def beginnings_of(
    explanations: Sequence[bytes],
    tasks: Sequence[bytes],
    enrolment: Sequence[bytes],
    weeks: Sequence[bytes],
    erasure: Sequence[bytes],
    components: Sequence[bytes],
    norms: Sequence[bytes],
) -> tuple[list[int], list[bytes]]:
    """The versions of rows with these EXTENSIONS and NORMS, and the words before them; nothing for rows with none."""
    words = [
        LENGTHS.pack(len(a), len(b)) + LENGTHS.pack(len(c), len(d)) if c or d
        else LENGTHS.pack(len(a), len(b)) if a or b
        else b""
        for a, b, c, d in zip(explanations, tasks, enrolment, weeks, strict=True)
    ]  # fmt: skip
    with_source = set(filter(names_source, set(enrolment)))
    if with_source or any(norms):
        words = [
            before.ljust(_TWO_WORDS, b"\0") + (key or NO_KEY) if key or section in with_source else before
            for before, section, key in zip(words, enrolment, norms, strict=True)
        ]
    if any(erasure):
        words = [
            before.ljust(_THREE_WORDS, b"\0") + LENGTH.pack(len(section)) if section else before
            for before, section in zip(words, erasure, strict=True)
        ]
    versions = [
        EXTENDED_VERSION - 1 + len(before) // WORD if before
        else COMPONENTS_VERSION if part
        else ROW_VERSION
        for before, part in zip(words, components, strict=True)
    ]  # fmt: skip
    return versions, words
