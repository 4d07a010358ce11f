"""What an operator does about a table and an input that no longer belong together. Blocks; no worker may run.

Each way first writes the changelog and then sets the group's offsets, so that an interruption in between is refused at
the next start, and the command can be run again.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.kafka.changelog import Changelog
from agents.kafka.group import Group
from agents.kafka.input_topic import InputTopic
from agents.kafka.reader import read_to_end
from agents.kafka.topics import TopicSpec, ensure_topics
from schemas import erasure
from schemas.errors import InvalidInput, SkillstreamError
from schemas.update import SkillUpdate
from streams.input.checkpoint import (
    Finding,
    Found,
    IdentityLost,
    Mark,
    Remedy,
    decode_mark,
    fresh_mark,
    judge,
    next_epoch,
    refusal,
)
from streams.input.partitioner import partitioner
from streams.rows.codec import encode_row
from streams.rows.row import Row

_LAST_UPDATES: Final = 200
_SESSION_SLACK_S: Final = 3.0


class NothingToRepair(SkillstreamError):
    """The command is not what this table needs."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """By partition: what is remembered, what is found, and what a worker would refuse to start for."""

    marks: dict[int, Mark]
    found: dict[int, Found]
    findings: dict[int, Finding]

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
        self._group = Group(settings.broker, settings.app_id, settings.start_timeout_s)
        self._input = InputTopic(settings.broker, settings.app_id, self._channels.activity, settings.start_timeout_s)

    @property
    def topic(self) -> str:
        """The input's name."""
        return self._channels.activity

    def diagnose(self, *, tolerant: bool = False) -> Diagnosis:
        """Look, and change nothing but topics that are missing. `tolerant` takes a mark that cannot be read for none.

        Raises GroupAtWork, TopicMismatch, BrokerUnavailable, IdentityLost or a Retryable.
        """
        ensure_topics(self._settings.broker, self._channels.specs(self._settings), self._settings.start_timeout_s)
        self._group.require_idle(self._settings.session_timeout_s + _SESSION_SLACK_S)
        contents = self._changelog.read()
        rows = {partition: contents.rows.get(partition, 0) for partition in range(self._settings.partitions)}
        marks: dict[int, Mark] = {}
        for partition in rows.keys() & contents.marks.keys():
            try:
                marks[partition] = decode_mark(contents.marks[partition])
            except IdentityLost:
                if not tolerant:
                    raise
        _known, found = self._input.find(marks, rows)
        judged = {p: judge(marks.get(p), each, self._settings.epoch) for p, each in sorted(found.items())}
        return Diagnosis(marks, found, {p: finding for p, finding in judged.items() if finding is not None})

    def adopt(self, seen: Diagnosis) -> int:
        """Go on with the topic that is there now, on top of the rows; the new epoch.

        Raises NothingToRepair, IdentityLost where adopting would not help, and what `diagnose` raises.
        """
        if Remedy.ADOPT not in seen.remedies:
            raise NothingToRepair(f"{self.topic} is the topic that the table was folded from: nothing to adopt")
        epoch = self._next_epoch(seen)
        marks = {
            p: _fresh(found, epoch, seen.marks[p].rows if p in seen.marks else 0) for p, found in seen.found.items()
        }
        for partition, mark in marks.items():
            found = replace(seen.found[partition], committed=None, seen=None)
            if (finding := judge(mark, found, 0)) is not None:
                raise refusal(self.topic, partition, finding)
        self._group.require_idle()
        self._changelog.make()
        self._changelog.write({}, marks)
        self._group.set_offsets(self.topic, _starts(seen))
        return epoch

    def rewind(self, seen: Diagnosis) -> int:
        """Set the group back to where the table is; how many offsets will be read again. Raises as `adopt`."""
        for partition, finding in seen.findings.items():
            if finding.remedy is not Remedy.REWIND:
                raise refusal(self.topic, partition, finding)
        if not seen.findings:
            raise NothingToRepair("the group has read no further than the table: nothing to rewind")
        back = {partition: seen.marks[partition].offset + 1 for partition in seen.findings}
        self._group.set_offsets(self.topic, back)
        return sum((seen.found[partition].committed or 0) - offset for partition, offset in back.items())

    def rebuild(self, seen: Diagnosis) -> int:
        """Drop the table, so that the next start folds all that the input retains; the new epoch. Raises as `diagnose`.

        Students who were forgotten stay so: their stubs are made anew from the requests.
        """
        epoch = self._next_epoch(seen)
        stubs, read_to = self._stubs(epoch)
        marks = {p: _fresh(found, epoch, len(stubs.get(p, ()))) for p, found in seen.found.items()}
        self._group.require_idle()
        self._changelog.recreate()
        self._changelog.write({p: list(rows.items()) for p, rows in stubs.items()}, marks)
        if read_to:
            self._group.set_offsets(self._channels.erasures, read_to)
        self._group.set_offsets(self.topic, _starts(seen))
        return epoch

    def _next_epoch(self, seen: Diagnosis) -> int:
        """Beyond every epoch that rows or readers of updates may know: the marks themselves may be lost."""
        return next_epoch([self._settings.epoch, *(mark.epoch for mark in seen.marks.values()), *self._said_epochs()])

    def _said_epochs(self) -> list[int]:
        found = []
        for message in read_to_end(self._settings.broker, self._channels.updates, last=_LAST_UPDATES):
            try:
                found.append(msgspec.json.decode(message.value() or b"", type=SkillUpdate).seq[0])
            except msgspec.MsgspecError:
                continue  # a tombstone, or nothing of ours
        return found

    def _stubs(self, epoch: int) -> tuple[dict[int, dict[bytes, bytes]], dict[int, int]]:
        """Rows of the students who asked to be forgotten, and how far their requests were read, by partition."""
        home = partitioner(self._settings.partitioner).home_partition
        asked: defaultdict[int, dict[bytes, int]] = defaultdict(dict)
        read_to: dict[int, int] = {}
        for message in read_to_end(self._settings.broker, self._channels.erasures):
            came_on = message.partition() or 0
            read_to[came_on] = (message.offset() or 0) + 1
            try:
                request = erasure.read(message.key(), message.value(), message.timestamp()[1])
            except InvalidInput:
                continue  # it forgets nobody
            if request is None:
                continue
            key = request.student.encode()
            at_home = home(key, self._settings.partitions)
            requests = asked[came_on if at_home is None else at_home]
            requests[key] = max(request.at_us, requests.get(key, 0))
        stubs = {
            partition: {key: encode_row(Row(epoch=epoch, erased_us=at_us)) for key, at_us in requests.items()}
            for partition, requests in asked.items()
        }
        return stubs, read_to


def _fresh(found: Found, epoch: int, rows: int) -> Mark:
    return fresh_mark(found.topic_id, found.partitions, epoch, found.start, rows)


def _starts(seen: Diagnosis) -> dict[int, int]:
    return {partition: found.start for partition, found in seen.found.items()}
