"""Follows `norms` in a worker: the newest whole snapshot is in force before the first score, and each that follows.

What is missing, damaged or another's is no reason to stop: scores go on under the norms in force, or without any.
"""

import asyncio
import logging
from collections.abc import Callable
from time import thread_time
from typing import Final

from agents.display.plain import plain
from agents.health import NormsState
from agents.kafka.deadline import Deadline
from agents.kafka.errors import BrokerUnavailable, DamagedBatch, NoSuchTopic, TopicForbidden
from agents.kafka.followed import TopicStartedAnew
from agents.metrics.declared.norms import NormMetrics
from agents.norms.snapshot_log import SnapshotLog, WrittenSnapshot
from agents.norms.topic import NormsLog
from streams.norms.sealed import NormsUnreadable
from streams.norms.view import NormView

_LAST_RECORDS: Final = (256, 4_096, None)
"""How far back a start looks for a snapshot, the second time where the first finds none."""
_ASK_AGAIN_S: Final = 0.2
_log = logging.getLogger(__name__)


class NormsFollower:
    """Of one worker of `app_id`. `put` puts norms in force; it is called in the event loop's thread, or by `begin`.

    In force is the snapshot of the highest number; of two with one number, the first on the topic. `written_ms` is
    when that was written last, None where the topic does not have it any more.
    """

    def __init__(self, topic: NormsLog, app_id: str, put: Callable[[NormView], None], metrics: NormMetrics) -> None:
        self.view: NormView | None = None
        self.written_ms: int | None = None
        self._topic = topic
        self._app_id = app_id
        self._put = put
        self._metrics = metrics
        self._log = SnapshotLog()
        self._number = 0
        self._unread: str | None = None
        self._is_missing = False
        self._refused: str | None = None

    def begin(self, timeout_s: float) -> None:
        """Put the newest whole snapshot in force, if there is one. Blocks. Raises nothing of the topic's."""
        deadline = Deadline(timeout_s)
        for last in _LAST_RECORDS:
            view, read = self._read_until(deadline, last)
            self._take(view)
            if self.view is not None or self._unread is not None or last is None or read < last:
                return

    async def look(self) -> None:
        """Read on, beside the event loop; put in force what is newer."""
        view, _ = await asyncio.to_thread(self._read_on)
        self._take(view)

    @property
    def is_unread(self) -> bool:
        """Whether the topic cannot be read now."""
        return self._unread is not None

    @property
    def state(self) -> NormsState:
        """What is in force, and what is wrong, for the health page."""
        unread = f"{self._topic.name} cannot be read: {self._unread}" if self._unread is not None else None
        problem = unread or self._refused
        return NormsState(self.view.version if self.view else None, self._number, problem)

    def _read_until(self, deadline: Deadline, last: int | None) -> tuple[NormView | None, int]:
        """Of the last records. A topic that was only just made may be unknown to some brokers: it is waited for."""
        while True:
            self._log = SnapshotLog()
            view, read = self._read_on(lambda: self._topic.rewind(last))
            if self._unread is None or deadline.is_over or not self._is_missing:
                return view, read
            deadline.pause(_ASK_AGAIN_S)

    def _read_on(self, prepare: Callable[[], None] = lambda: None) -> tuple[NormView | None, int]:
        """The newest view beyond the one in force, and how many records were read."""
        self._is_missing = False
        try:
            prepare()
            records = self._topic.read_on()
        except TopicStartedAnew:
            _log.warning("%s was deleted and created again: the norms in force stay", self._topic.name)
            self._log, self._number, self.written_ms = SnapshotLog(), 0, None
            return None, 0  # what it holds is read the next time
        except (NoSuchTopic, BrokerUnavailable, TopicForbidden, DamagedBatch) as error:
            self._is_missing = isinstance(error, NoSuchTopic)
            self._note_unread(str(error))
            return None, 0
        self._note_unread(None)
        began_s = thread_time()
        view = self._newest([self._noted(each) for each in self._log.note_all(records)])
        self._metrics.norms_refresh_cpu_s.add(thread_time() - began_s)
        return view, len(records)

    def _noted(self, found: WrittenSnapshot | NormsUnreadable) -> WrittenSnapshot | None:
        if isinstance(found, NormsUnreadable):
            self._refuse(found)
            return None
        if self.view is not None and found.manifest.norms_version == self.view.version:
            self.written_ms, self._number = found.written_ms, self.view.snapshot.number
        return found

    def _newest(self, found: list[WrittenSnapshot | None]) -> NormView | None:
        """The view of the highest number that can be read; of equal ones the first."""
        newer = [each for each in found if each is not None and each.manifest.number > self._number]
        for each in sorted(newer, key=lambda each: -each.manifest.number):
            try:
                view = NormView(each.read(self._app_id))
            except NormsUnreadable as error:
                self._refuse(error)
            else:
                same = [every for every in newer if every.manifest.norms_version == view.version]
                self.written_ms, self._number, self._refused = same[-1].written_ms, view.snapshot.number, None
                return view
        return None

    def _take(self, view: NormView | None) -> None:
        if view is None:
            return
        self.view = view
        self._put(view)
        self._metrics.in_force(view.snapshot)

    def _refuse(self, error: NormsUnreadable) -> None:
        self._refused = f"a snapshot is refused: {plain(str(error))}"
        self._metrics.norms_refused.add(error.reason)
        _log.warning("%s: %s; the norms in force stay", self._topic.name, plain(str(error)))

    def _note_unread(self, why: str | None) -> None:
        if why is not None and self._unread is None:
            _log.warning("%s cannot be read, the norms in force stay: %s", self._topic.name, why)
        self._unread = why
        self._metrics.norms_unread.set(float(why is not None))
