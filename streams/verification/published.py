"""An update, shortened to what is compared: its position, its sources and its scores."""

from collections.abc import Collection
from typing import Final

import msgspec
from msgspec import UNSET, Struct

from schemas.update import Kind, KnownSkill, SkillProfile, SkillUpdate
from streams.verification.audit import RowPosition

NOTHING: Final = -1.0


class PublishedIndicator(Struct, frozen=True, array_like=True):
    """One indicator of a profile."""

    name: str
    count: float
    of: float
    trend: float


class PublishedSkill(Struct, frozen=True, array_like=True):
    """One skill of an update; what its kind, or it, does not have is NOTHING or empty."""

    kind: Kind
    score: float = NOTHING
    low: float = NOTHING
    high: float = NOTHING
    confidence: float = NOTHING
    level: str = ""
    indicators: tuple[PublishedIndicator, ...] = ()


class PublishedMastery(Struct, frozen=True, array_like=True):
    """One knowledge component of an update."""

    component: str
    p: float
    low: float
    high: float
    n: int
    trend: float


class Part(Struct, frozen=True, array_like=True):
    """A source's estimate of a skill, and what it added to the score."""

    n: float
    age_s: float
    log_odds: float
    p: float


class PublishedUpdate(Struct, frozen=True, array_like=True):
    """See the module; `degraded` in the order of their names. `recorded`: what remote sources said, source by skill;
    `is_catalogued`: it leaves what is the same for every student to `skill-catalogue`. `norms_version` is empty where
    no norms were in force.
    """

    epoch: int
    offset: int
    as_of: str
    degraded: tuple[str, ...]
    config_version: str
    skills: dict[str, PublishedSkill]
    recorded: dict[str, dict[str, Part]] = {}
    mastery: tuple[PublishedMastery, ...] = ()
    is_catalogued: bool = True
    norms_version: str = ""

    @property
    def position(self) -> RowPosition:
        """The update's seq."""
        return self.epoch, self.offset


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(PublishedUpdate)


def shorten(update: SkillUpdate, remote: Collection[str] = (), *, is_catalogued: bool = True) -> PublishedUpdate:
    """What is compared of `update`, and what the `remote` sources said."""
    epoch, offset = update.seq
    return PublishedUpdate(
        epoch=epoch,
        offset=offset,
        as_of=update.as_of,
        degraded=tuple(sorted(update.degraded)),
        config_version=update.config_version,
        skills={name: _skill(skill) for name, skill in update.skills.items()},
        mastery=tuple(
            PublishedMastery(each.component, each.p, each.low, each.high, each.n, each.trend)
            for each in update.mastery or ()
        ),
        recorded={source: _said_by(source, update) for source in remote},
        is_catalogued=is_catalogued,
        norms_version="" if update.norms_version is UNSET else update.norms_version,
    )


def _skill(skill: KnownSkill) -> PublishedSkill:
    if isinstance(skill, SkillProfile):
        indicators = (
            PublishedIndicator(name, each.count, each.of, each.trend) for name, each in skill.indicators.items()
        )
        return PublishedSkill(skill.kind, indicators=tuple(indicators))
    low = NOTHING if skill.low is UNSET else skill.low
    high = NOTHING if skill.high is UNSET else skill.high
    return PublishedSkill(skill.kind, skill.score, low, high, skill.confidence, skill.level)


def _said_by(source: str, update: SkillUpdate) -> dict[str, Part]:
    contributions = ((name, skill.contributions.get(source)) for name, skill in update.skills.items())
    return {
        name: Part(part.n, part.age_s, part.added, 0.5 if part.p is None else part.p)
        for name, part in contributions
        if part is not None and part.n > 0
    }


def pack_update(published: PublishedUpdate) -> bytes:
    """To be kept in large numbers."""
    return _ENCODER.encode(published)


def unpack_update(packed: bytes) -> PublishedUpdate:
    """The reverse of `pack_update`."""
    return _DECODER.decode(packed)
