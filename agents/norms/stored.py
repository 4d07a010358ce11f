"""Snapshots by the versions that updates name; read when one is asked for. Blocks."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Final

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.kafka.reader import read_to_end
from agents.kafka.record import file_record
from agents.norms.snapshot_log import SnapshotLog, WrittenSnapshot
from streams.norms.sealed import NormsUnreadable
from streams.norms.snapshot import NormSnapshot
from streams.norms.view import NormView

_DECODED: Final = 8


class StoredNorms:
    """Of one deployment, as `norms` has them when first asked. Raises BrokerUnavailable, TopicForbidden.

    Only manifests are held; of a snapshot that is asked for, the topic is read again. A few stay decoded.
    """

    def __init__(self, settings: Settings) -> None:
        self._broker, self._app_id = settings.broker, settings.app_id
        self._topic = Channels.of(settings).norms
        self._written: dict[str, WrittenSnapshot] | None = None
        self._view = lru_cache(_DECODED)(self._read)

    @property
    def written(self) -> Sequence[WrittenSnapshot]:
        """The app's, each as it was first written, by number; without their bytes."""
        if self._written is None:
            found: dict[str, WrittenSnapshot] = {}
            for each in self._all():
                if each.manifest.app_id == self._app_id:
                    found.setdefault(each.manifest.norms_version, each.without_bytes())
            self._written = found
        return sorted(self._written.values(), key=lambda each: each.manifest.number)

    def newest(self) -> tuple[NormSnapshot | None, Sequence[NormsUnreadable]]:
        """The snapshot that workers put in force: of the highest number of those that can be read, and of two of that
        the first; None before the first. And what is wrong with each of a higher number.
        """
        newest: NormSnapshot | None = None
        wrong: list[tuple[int, NormsUnreadable]] = []
        for each in self._all():
            if newest is None or each.manifest.number > newest.number:
                try:
                    newest = each.read(self._app_id)
                except NormsUnreadable as error:
                    wrong.append((each.manifest.number, error))
        return newest, [error for number, error in wrong if newest is None or number > newest.number]

    def find(self, version: str) -> NormView | None:
        """The norms of that version; None where the topic has them no more, or not whole."""
        return self._view(version)

    def read(self, version: str) -> NormSnapshot:
        """The snapshot of that version. Raises NormsUnreadable, also where the topic has it no more."""
        problem = NormsUnreadable("incomplete", f"the topic {self._topic} does not hold norms {version}")
        for each in self._all():
            if each.manifest.norms_version == version:
                try:
                    return each.read(self._app_id)
                except NormsUnreadable as error:
                    problem = error
        raise problem

    def snapshots(self) -> Iterator[NormSnapshot]:
        """All that can be read, in the order in which they were written; one may come twice."""
        for each in self._all():
            with suppress(NormsUnreadable):
                yield each.read(self._app_id)

    def _read(self, version: str) -> NormView | None:
        with suppress(NormsUnreadable):
            return NormView(self.read(version))
        return None

    def _all(self) -> Iterator[WrittenSnapshot]:
        log = SnapshotLog()
        for record in read_to_end(self._broker, self._topic):
            yield from (each for each in log.note_all([file_record(record)]) if isinstance(each, WrittenSnapshot))
