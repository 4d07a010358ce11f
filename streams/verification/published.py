"""An update, shortened to what is compared: who said it when, from which sources, and the scores."""

from typing import Final

import msgspec
from msgspec import Struct

from schemas.update import SkillUpdate
from streams.verification.audit import Position


class Score(Struct, frozen=True, array_like=True):
    """One skill of an update."""

    score: float
    low: float
    high: float
    confidence: float
    level: str


class Said(Struct, frozen=True, array_like=True):
    """See the module; `degraded` in the order of their names."""

    epoch: int
    offset: int
    as_of: str
    degraded: tuple[str, ...]
    config_version: str
    skills: dict[str, Score]

    @property
    def position(self) -> Position:
        """The update's seq."""
        return self.epoch, self.offset


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Said)


def shorten(update: SkillUpdate) -> Said:
    """What is compared of `update`."""
    epoch, offset = update.seq
    return Said(
        epoch=epoch,
        offset=offset,
        as_of=update.as_of,
        degraded=tuple(sorted(update.degraded)),
        config_version=update.config_version,
        skills={
            name: Score(skill.score, skill.low, skill.high, skill.confidence, skill.level)
            for name, skill in update.skills.items()
        },
    )


def pack(said: Said) -> bytes:
    """To be kept in large numbers."""
    return _ENCODER.encode(said)


def unpack(packed: bytes) -> Said:
    """The reverse of `pack`."""
    return _DECODER.decode(packed)
