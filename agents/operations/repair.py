"""What an operator does about a table and an input that no longer belong together. Blocks; no worker may run.

Each way first writes the changelog and then sets the group's offsets, so that an interruption in between is refused at
the next start, and the command can be run again.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from agents.config.channels import Channels
from agents.config.header_keys import Keyring
from agents.config.settings import Settings
from agents.kafka.changelog import Changelog
from agents.kafka.group import ConsumerGroup
from agents.kafka.input_topic import InputTopic
from agents.kafka.reader import read_to_end
from agents.kafka.topics import TopicSpec, ensure_topics
from agents.operations.erasures import StoredErasures
from schemas.errors import SkillstreamError
from schemas.update import read_update
from streams.input.checkpoint import (
    CheckpointMismatch,
    Found,
    IdentityLost,
    InputCheckpoint,
    Remedy,
    RescoreId,
    decode_checkpoint,
    find_mismatch,
    folded_until,
    fresh_checkpoint,
    identity_lost,
    next_epoch,
)
from streams.input.partitioner import partitioner
from streams.rows.codec import encode_row

_LAST_UPDATES: Final = 200
_SESSION_SLACK_S: Final = 3.0


class NothingToRepair(SkillstreamError):
    """The command is not what this table needs."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """By partition: what is remembered, what is found, and what a worker would refuse to start for."""

    checkpoints: dict[int, InputCheckpoint]
    found: dict[int, Found]
    findings: dict[int, CheckpointMismatch]

    @property
    def remedies(self) -> set[Remedy]:
        """What the findings ask for."""
        return {finding.remedy for finding in self.findings.values()}

    @property
    def rows(self) -> int:
        """Rows on the changelog."""
        return sum(found.rows for found in self.found.values())

    @property
    def records(self) -> int:
        """Offsets that the input retains."""
        return sum(found.end - found.start for found in self.found.values())

    def rescored(self, partition: int) -> RescoreId | None:
        """The last request to score all students that was carried out there."""
        return self.checkpoints[partition].rescored if partition in self.checkpoints else None

    def norms(self, partition: int) -> int:
        """The number of the last entry in the journal of norms there; -1 for none."""
        return self.checkpoints[partition].norms if partition in self.checkpoints else -1

    @property
    def removed(self) -> dict[int, int]:
        """How many offsets retention has taken from the start of a partition, where it has."""
        return {partition: found.start for partition, found in self.found.items() if found.start}


class Repair:
    """Of the deployment that `settings` describe; `changelog` is how its table's log is made."""

    def __init__(self, settings: Settings, changelog: TopicSpec) -> None:
        self._settings = settings
        self._channels = Channels.of(settings)
        self._changelog = Changelog(settings.broker, changelog, settings.start_timeout_s, settings.compression)
        self._group = ConsumerGroup(settings.broker, settings.app_id, settings.start_timeout_s)
        self._input = InputTopic(settings.broker, settings.app_id, self._channels.activity, settings.start_timeout_s)

    @property
    def topic(self) -> str:
        """The input's name."""
        return self._channels.activity

    def diagnose(self, *, tolerant: bool = False) -> Diagnosis:
        """Look, and change nothing but topics that are missing. `tolerant` takes a checkpoint that cannot be read for
        none.

        Raises GroupAtWork, TopicMismatch, BrokerUnavailable, IdentityLost or a Retryable.
        """
        ensure_topics(self._settings.broker, self._channels.specs(self._settings), self._settings.start_timeout_s)
        self._group.require_idle(self._settings.session_timeout_s + _SESSION_SLACK_S)
        contents = self._changelog.read()
        rows = {partition: contents.rows.get(partition, 0) for partition in range(self._settings.partitions)}
        checkpoints: dict[int, InputCheckpoint] = {}
        for partition in rows.keys() & contents.checkpoints.keys():
            try:
                checkpoints[partition] = decode_checkpoint(contents.checkpoints[partition])
            except IdentityLost:
                if not tolerant:
                    raise
        _known, found = self._input.find(checkpoints, rows)
        mismatches = {
            p: find_mismatch(checkpoints.get(p), each, self._settings.epoch) for p, each in sorted(found.items())
        }
        return Diagnosis(checkpoints, found, {p: finding for p, finding in mismatches.items() if finding is not None})

    def adopt(self, seen: Diagnosis) -> int:
        """Go on with the topic that is there now, on top of the rows; the new epoch.

        Raises NothingToRepair, IdentityLost where adopting would not help, and what `diagnose` raises.
        """
        if Remedy.ADOPT not in seen.remedies:
            raise NothingToRepair(f"{self.topic} is the topic that the table was folded from: nothing to adopt")
        epoch = self._next_epoch(seen)
        checkpoints = {
            p: fresh_checkpoint(
                found,
                epoch,
                seen.checkpoints[p].rows if p in seen.checkpoints else 0,
                rescored=seen.rescored(p),
                norms=seen.norms(p),
            )
            for p, found in seen.found.items()
        }
        for partition, checkpoint in checkpoints.items():
            found = replace(seen.found[partition], committed=None, seen=None)
            if (finding := find_mismatch(checkpoint, found, 0)) is not None:
                raise identity_lost(self.topic, partition, finding)
        self._group.require_idle()
        self._changelog.make()
        self._changelog.write({}, checkpoints)
        self._group.set_offsets(self.topic, _starts(seen))
        return epoch

    def rewind(self, seen: Diagnosis) -> int:
        """Set the group back to where the table is; how many offsets will be read again. Raises as `adopt`."""
        for partition, finding in seen.findings.items():
            if finding.remedy is not Remedy.REWIND:
                raise identity_lost(self.topic, partition, finding)
        if not seen.findings:
            raise NothingToRepair("the group has read no further than the table: nothing to rewind")
        back = {partition: seen.checkpoints[partition].offset + 1 for partition in seen.findings}
        self._group.set_offsets(self.topic, back)
        return sum((seen.found[partition].committed or 0) - offset for partition, offset in back.items())

    def rebuild(self, seen: Diagnosis) -> int:
        """Drop the table, so that the next start folds all that the input retains; the new epoch. Raises as `diagnose`.

        Students who were erased stay so: their tombstone rows are made anew from what was accepted. Requests that no
        worker has read yet are left to the next one.
        """
        epoch = self._next_epoch(seen)
        topic_id = next((found.topic_id for found in seen.found.values()), "")
        tombstones = self._tombstones(epoch, topic_id)
        checkpoints = {
            p: fresh_checkpoint(
                found,
                epoch,
                len(tombstones.get(p, ())),
                folded_until(seen.checkpoints.get(p), found),
                seen.rescored(p),
            )
            for p, found in seen.found.items()
        }
        self._group.require_idle()
        self._changelog.recreate()
        self._changelog.write({p: list(rows.items()) for p, rows in tombstones.items()}, checkpoints)
        self._group.set_offsets(self.topic, _starts(seen))
        return epoch

    def _next_epoch(self, seen: Diagnosis) -> int:
        """Beyond every epoch that rows or readers of updates may know: the checkpoints themselves may be lost."""
        return next_epoch(
            [
                self._settings.epoch,
                *(checkpoint.epoch for checkpoint in seen.checkpoints.values()),
                *self._published_epochs(),
            ]
        )

    def _published_epochs(self) -> list[int]:
        found = []
        for message in read_to_end(self._settings.broker, self._channels.updates, last=_LAST_UPDATES):
            try:
                found.append(read_update(message.value() or b"").seq[0])
            except msgspec.MsgspecError:
                continue  # a tombstone, or nothing of ours
        return found

    def _tombstones(self, epoch: int, topic_id: str) -> dict[int, dict[bytes, bytes]]:
        """Rows of the students who were erased, by partition."""
        owning_partition = partitioner(self._settings.partitioner).owning_partition
        tombstones: defaultdict[int, dict[bytes, bytes]] = defaultdict(dict)
        keyring = Keyring(self._settings).open_as_allowed()
        for key, erased in StoredErasures.read(self._settings, topic_id, keyring.authentic).students.items():
            if not erased.is_waiting or erased.erasure.ends:
                partition = owning_partition(key, self._settings.partitions)
                row = replace(erased, is_waiting=False).row(epoch)
                tombstones[erased.found_on if partition is None else partition][key] = encode_row(row)
        return tombstones


def _starts(seen: Diagnosis) -> dict[int, int]:
    return {partition: found.start for partition, found in seen.found.items()}
