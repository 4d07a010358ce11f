"""Follows `fusion-config` in a worker: read whole before the first update, looked at again every few seconds.

A configuration is in force when its entry in `skill-catalogue` is confirmed: so no update names one that has none.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from agents.display.plain import plain
from agents.kafka.deadline import Deadline
from agents.kafka.errors import BrokerUnavailable, DamagedBatch, NoSuchTopic, TopicForbidden
from agents.kafka.followed import TopicStartedAnew
from agents.logs import lifecycle
from schemas.catalogue import CatalogueEntry
from schemas.fusion_config import Overrides
from streams.pipeline import Pipeline
from streams.replay import FileRecord
from streams.scoring.config_log import ConfigEntry, ConfigLog, RefusedEntry, RescoreEntry
from streams.scoring.overrides import NO_OVERRIDES, apply_overrides
from streams.scoring.scorer import Scorer

_ASK_AGAIN_S: Final = 0.2
_log = logging.getLogger(__name__)


class ConfigSource(Protocol):
    """The topic: FusionConfigTopic."""

    name: str

    def read_on(self) -> Sequence[FileRecord]: ...


class ConfigFollower:
    """Puts the configuration in force into the pipeline. In the event loop's thread, but for what it reads.

    `publish` writes an entry of `skill-catalogue` and waits for it, or raises BrokerUnavailable: then `unpublished`
    hears of it, and of None when it has been written. `refused` hears of each record that is refused, `changed` of the
    new `config_version`, after it is in force.
    """

    def __init__(
        self,
        topic: ConfigSource,
        pipeline: Pipeline,
        publish: Callable[[CatalogueEntry], None],
        unpublished: Callable[[BrokerUnavailable | None], None],
        refused: Callable[[RefusedEntry], None],
        changed: Callable[[str], None],
    ) -> None:
        self._topic = topic
        self._pipeline = pipeline
        self._publish = publish
        self._unpublished = unpublished
        self._refused = refused
        self._changed = changed
        self._entries = self._new_log()
        self._in_force: ConfigEntry | None = None
        self._unread: str | None = None

    def begin(self, timeout_s: float) -> None:
        """Read all that there is, publish what it comes to, and put it in force. Blocks. Raises BrokerUnavailable,
        TopicForbidden.

        A topic that was only just made may be unknown to some brokers: it is waited for, since nothing may be scored
        before it is read.
        """
        deadline = Deadline(timeout_s)
        while True:
            try:
                self._note(self._topic.read_on())
                break
            except NoSuchTopic as error:
                if deadline.is_over:
                    raise BrokerUnavailable(str(error)) from error
            deadline.pause(_ASK_AGAIN_S)
        entry, scorer = self._next()
        self._publish(scorer.catalogue_entry)
        if entry is not None:
            self._put_in_force(entry, scorer)

    async def follow(self, every_s: float) -> None:
        """Read on every `every_s` seconds, for ever. What cannot be read leaves the old configuration in force."""
        while True:
            await asyncio.sleep(every_s)
            try:
                records = await asyncio.to_thread(self._topic.read_on)
            except TopicStartedAnew:
                _log.warning("%s was deleted and created again: its former configurations are gone", self._topic.name)
                self._entries = self._new_log()  # what it holds is put in force the next time
            except (NoSuchTopic, BrokerUnavailable, TopicForbidden, DamagedBatch) as error:
                self._note_unread(str(error))
            else:
                self._note_unread(None)
                self._note(records)
                await self._take()

    @property
    def rescore(self) -> RescoreEntry | None:
        """The newest request to score all students; none while the configuration that they are to be scored by
        is not yet in force.
        """
        return self._entries.rescore if self._entries.in_force == self._in_force else None

    @property
    def overrides(self) -> Overrides:
        """Those in force."""
        return NO_OVERRIDES if self._in_force is None else self._in_force.overrides

    @property
    def problem(self) -> str | None:
        """What is wrong, for the health page."""
        if self._unread is not None:
            return f"{self._topic.name} cannot be read: {self._unread}"
        refused = self._entries.refused
        return None if refused is None else refused.problem

    def _new_log(self) -> ConfigLog:
        pipeline = self._pipeline
        return ConfigLog(lambda overrides: apply_overrides(overrides, pipeline.skill_set, pipeline.artifact))

    def _note_unread(self, why: str | None) -> None:
        if why is not None and self._unread is None:
            _log.warning("%s cannot be read, the configuration stays: %s", self._topic.name, why)
        self._unread = why

    def _note(self, records: Sequence[FileRecord]) -> None:
        for noted in self._entries.note_all(records):
            if isinstance(noted, RefusedEntry):
                self._refused(noted)
                _log.warning("fusion-config: %s; the configuration in force stays", plain(noted.problem))

    async def _take(self) -> None:
        """Publish and put in force what the records come to; what cannot be published is tried again the next time."""
        if self._entries.in_force == self._in_force:
            self._unpublished(None)  # what waited to be published is not wanted any more
            return
        entry, scorer = self._next()
        try:
            await asyncio.to_thread(self._publish, scorer.catalogue_entry)
        except BrokerUnavailable as error:
            self._unpublished(error)
        else:
            self._unpublished(None)
            self._put_in_force(entry, scorer)

    def _next(self) -> tuple[ConfigEntry | None, Scorer]:
        """What is to be in force, and what scores by it."""
        entry = self._entries.in_force
        return entry, self._pipeline.scorer_with(NO_OVERRIDES if entry is None else entry.overrides)

    def _put_in_force(self, entry: ConfigEntry | None, scorer: Scorer) -> None:
        former = self._pipeline.config_version
        self._in_force = entry
        self._pipeline.scorer = scorer.with_norms(self._pipeline.norms)
        now = self._pipeline.config_version
        if entry is None:
            lifecycle.configured(former, now)
        else:
            lifecycle.configured(former, now, offset=entry.offset, at=entry.written, reason=entry.reason)
        self._changed(now)
