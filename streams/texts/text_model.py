"""A text model: what a text says of one skill, as log-odds, by the words in it.

    log-odds = bias + Σ_s idf_s · weight_s / max(‖idf‖, least_norm)        s: the text's stems that the table has

That is logistic regression on TF-IDF with binary counts (Manning, Raghavan and Schütze, Introduction to Information
Retrieval, 2008, ch. 6), calibrated. A stem is a word's first `stem_chars` letters. A text with fewer words of weight
than those it was trained on is divided by the norm of the least of these, so that it says less; one of fewer than
`least_words` is out of its range, and it says nothing of it.

The file is JSON, sorted, and holds nothing that is run. Every stem in it was written by several people.
"""

import hashlib
import math
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from schemas.errors import SkillstreamError

TEXT_MODEL_VERSION: Final = 1
MAX_STEMS: Final = 20_000
MAX_BYTES: Final = 2 * 1024 * 1024

_Coefficient = Annotated[float, Meta(ge=-100, le=100)]
_Positive = Annotated[float, Meta(gt=0, le=100)]
_Stem = Annotated[str, Meta(min_length=1, max_length=32)]


class TextModelError(SkillstreamError):
    """A text model that cannot be used; the message says why."""


class TextModel(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The table, and its card: whose texts it learnt from (`population`), how many of how many people, and its figures
    on people that it was not trained on. `stems` has each stem's idf and weight.
    """

    version: Literal[1] = TEXT_MODEL_VERSION
    population: str
    texts: int
    people: int
    metrics: dict[str, float]
    stem_chars: Annotated[int, Meta(ge=2, le=32)]
    bias: _Coefficient
    least_norm: Annotated[float, Meta(gt=0, le=10_000)]
    least_words: Annotated[int, Meta(ge=1, le=10_000)]
    stems: Annotated[dict[_Stem, tuple[_Positive, _Coefficient]], Meta(max_length=MAX_STEMS)]

    @property
    def card(self) -> dict[str, object]:
        """All but the table."""
        return {name: getattr(self, name) for name in ("population", "texts", "people", "metrics", "least_words")}

    def log_odds(self, words: Sequence[str]) -> float | None:
        """What a text of these `words` says, None if they are too few. The order of the words does not matter."""
        if len(words) < self.least_words:
            return None
        return self.log_odds_of_stems(stems_of(words, self.stem_chars))

    def log_odds_of_stems(self, stems: AbstractSet[str]) -> float:
        """What a text of these stems says; sums are exact, whatever their order."""
        known = [self.stems[stem] for stem in stems & self.stems.keys()]
        norm = math.sqrt(math.fsum(idf * idf for idf, _ in known))
        return self.bias + math.fsum(idf * weight for idf, weight in known) / max(norm, self.least_norm)


def stems_of(words: Iterable[str], stem_chars: int) -> set[str]:
    """The stems of `words`."""
    return {word[:stem_chars] for word in words}


def encode_text_model(model: TextModel) -> bytes:
    """The bytes of its file, a stem a line: equal models, equal bytes."""
    card = msgspec.json.encode(msgspec.structs.replace(model, stems={}), order="deterministic")
    before, _, after = msgspec.json.format(card, indent=1).rpartition(b"{}")
    stems = (b"  %b: %b" % tuple(map(msgspec.json.encode, stem)) for stem in sorted(model.stems.items()))
    return b"%b{\n%b\n }%b\n" % (before, b",\n".join(stems), after)


def digest_of_file(stored: bytes) -> str:
    """What a skills file names a text model's file by."""
    return hashlib.sha256(stored).hexdigest()


def load_text_model(path: Path, sha256: str) -> TextModel:
    """Read a file, which must be the one of that digest.

    Raises TextModelError where it is missing, too large, another one, damaged, or of a newer version.
    """
    try:
        with path.open("rb") as file:
            stored = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise TextModelError(f"{error.strerror}: {path}") from None
    if len(stored) > MAX_BYTES:
        raise TextModelError(f"{path} has more than {MAX_BYTES} bytes")
    if digest_of_file(stored) != sha256:
        raise TextModelError(f"{path} is not the file of that sha256: copy both again, or train it again")
    return decode_text_model(stored, str(path))


def decode_text_model(stored: bytes, where: str) -> TextModel:
    """The model in a file's bytes. Raises TextModelError."""
    try:
        version = msgspec.json.decode(stored, type=_Versioned).version
        if version != TEXT_MODEL_VERSION:
            raise TextModelError(f"{where} has version {version}, {TEXT_MODEL_VERSION} is read here: train it again")
        return msgspec.json.decode(stored, type=TextModel)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise TextModelError(f"{where} is no text model: {error}") from None


class _Versioned(Struct):
    version: int
