"""What a worker and its inference process say to each other: frames of MessagePack, one exchange after the other.

PutNorms     ──► QuestionDone
BeginEvents  ──► QuestionDone
FoldItems    ──► (RowsWanted ◄──► RowsFound)* ──► QuestionDone, or TooManyFolded
AnswerEvents ──► (RowsWanted ◄──► RowsFound)* ──► AnswerText
EndEvents    ──► QuestionDone
ScoreRows    ──► AnswerText
"""

import struct
from typing import BinaryIO, Final, TypeAlias

import msgspec
from msgspec import Struct

from schemas.dialects.bounds import RecordBounds
from schemas.fusion_config import Overrides
from schemas.inference import InferenceCounts
from streams.inference.overlay import FoundRow

_LENGTH: Final = struct.Struct("<I")
LENGTH_BYTES: Final = _LENGTH.size


class Setup(Struct, frozen=True, kw_only=True):
    """The first frame: what the process scores with. Of the settings only what it needs, and no secret."""

    skills: str
    model: str
    model_signers: tuple[str, ...]
    mapping: str | None
    bounds: RecordBounds
    known_ids: int
    components: int
    nice: int


class ProcessReady(Struct, frozen=True, tag=True):
    """What it was set up with, without overrides."""

    base_version: str


class PutNorms(Struct, frozen=True, kw_only=True, tag=True):
    """The snapshot that is in force in the worker: what begins from now on is scored under it."""

    app_id: str
    snapshot: bytes


class BeginEvents(Struct, frozen=True, kw_only=True, tag=True):
    """A request of events, to be scored under these overrides. Those later than `now_ms` are as of then."""

    request: int
    now_ms: int
    onto_stored: bool
    most_events: int
    overrides: Overrides


class FoldItems(Struct, frozen=True, kw_only=True, tag=True):
    """Its next items; one too large to be held as its size."""

    request: int
    values: list[bytes | int]


class AnswerEvents(Struct, frozen=True, kw_only=True, tag=True):
    """Asks for the next of its answer."""

    request: int
    most: int


class ScoreRows(Struct, frozen=True, kw_only=True, tag=True):
    """Asks for scores of students whose rows these are, under these overrides."""

    students: list[bytes]
    rows: list[FoundRow]
    items: list[int]
    overrides: Overrides


class EndEvents(Struct, frozen=True, tag=True):
    """Nothing more of a request; there need not be such a one."""

    request: int


class RowsFound(Struct, frozen=True, tag=True):
    """What was asked for by RowsWanted, in its order."""

    rows: list[FoundRow]


class RowsWanted(Struct, frozen=True, tag=True):
    """Keys of stored rows, or segments."""

    keys: list[bytes]


class QuestionDone(Struct, frozen=True, tag=True):
    """It is done."""


class AnswerText(Struct, frozen=True, kw_only=True, tag=True):
    """Some of an answer; none where all was said. `counts` are the request's until now."""

    text: bytes
    counts: InferenceCounts
    config_version: str


class TooManyFolded(Struct, frozen=True, tag=True):
    """There are more events than one request may hold."""


class QuestionFailed(Struct, frozen=True, tag=True):
    """Why a request cannot go on."""

    error: str


WorkerQuestion: TypeAlias = PutNorms | BeginEvents | FoldItems | AnswerEvents | ScoreRows | EndEvents | RowsFound
DoneReply: TypeAlias = QuestionDone | AnswerText | TooManyFolded
ProcessReply: TypeAlias = DoneReply | ProcessReady | RowsWanted | QuestionFailed

_ENCODER: Final = msgspec.msgpack.Encoder()
QUESTIONS: Final = msgspec.msgpack.Decoder(WorkerQuestion)
REPLIES: Final = msgspec.msgpack.Decoder(ProcessReply)
SETUPS: Final = msgspec.msgpack.Decoder(Setup)


def frame(message: Struct) -> bytes:
    """A message as it is sent."""
    body = _ENCODER.encode(message)
    return _LENGTH.pack(len(body)) + body


def length_of(first: bytes) -> int:
    """How many bytes follow a frame's first LENGTH_BYTES."""
    return int(_LENGTH.unpack(first)[0])


def read_frame(source: BinaryIO) -> bytes:
    """The next frame's body. Blocks. Raises EOFError where there is none."""
    first = source.read(LENGTH_BYTES)
    if len(first) < LENGTH_BYTES:
        raise EOFError
    length = length_of(first)
    body = source.read(length)
    if len(body) < length:
        raise EOFError
    return body
