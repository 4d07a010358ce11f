"""Updates as they would have been at a time: events folded again up to it, from the input topic or from files. Blocks.

An event counts if it happened by then; one from the future happened when its record was written. Students are scored at
the end alone, by the skill set and model of the settings.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import compress

from agents.config.channels import Channels
from agents.config.dialects import decoder_of
from agents.config.header_keys import Keyring
from agents.config.models import artifact_of
from agents.config.settings import Settings
from agents.identities.starts_topic import identity_decoding, stated_starts
from agents.kafka.input_topic import InputTopic
from agents.kafka.reader import TopicReader
from agents.kafka.record import file_record
from agents.operations.erasures import StoredErasures
from agents.tenants.topic import HoldTopic, tenant_decoding
from schemas.dialects import Decode, Decoded, Record
from schemas.fusion_config import Overrides
from schemas.update import SkillUpdate, read_update
from streams.input.partitioner import partitioner
from streams.input.placement import KeyPlacement
from streams.input.signature import Authentic
from streams.pipeline import Pipeline
from streams.replay import Replay, batches
from streams.rows.codec import encode_row, row_headers
from streams.rows.row_batch import RowBatch
from streams.rows.segments import is_segment
from streams.skills.skills_file import load_skills

_STUDENTS_AT_ONCE = 2_000


class RefoldedUpdates:
    """Of one deployment's settings, up to `as_of`, or all there is. `dead_lettered` counts what cannot be read."""

    def __init__(
        self,
        settings: Settings,
        as_of: datetime | None,
        overrides: Overrides | None,
        on_failure: Callable[[str, BaseException], None],
    ) -> None:
        """Raises SkillsError, ArtifactError, SettingsError, ConfigRefused."""
        self._settings, self._as_of = settings, as_of
        decode = decoder_of(settings)
        self._pipeline = Pipeline(
            load_skills(settings.skills),
            artifact_of(settings),
            on_failure=on_failure,
            decode=decode if as_of is None else up_to(decode, as_of),
            known_ids=settings.known_ids,
            components=settings.components_per_student,
        )
        if overrides is not None:
            self._pipeline.scorer = self._pipeline.scorer_with(overrides)
        self.dead_lettered = 0
        self.begins_late: list[int] = []
        """Partitions of the input topic whose first records are gone."""

    def of_records(self, records: Iterable[Record]) -> Iterator[SkillUpdate]:
        """Of records of one partition, in their order."""
        yield from self._updates(Replay(self._pipeline, scores=False), records)

    def of_topic(self, advance: Callable[[int, int], None]) -> Iterator[SkillUpdate]:
        """Of the input topic, partition by partition, whose rows are held meanwhile; without students who were erased.

        Raises BrokerUnavailable, NoSuchTopic, TopicForbidden.
        """
        settings, channels = self._settings, Channels.of(self._settings)
        activity = InputTopic(settings.broker, settings.app_id, channels.activity, settings.start_timeout_s)
        keyring, topic_id = Keyring(settings).open_as_allowed(), activity.describe().topic_id
        self._decode_as_workers(topic_id, keyring.authentic)
        erasures = StoredErasures.read(settings, topic_id, keyring.authentic)
        with TopicReader(
            settings.broker, channels.activity, f"{settings.app_id}-export", settings.start_timeout_s
        ) as reader:
            spans = reader.spans()
            placement = KeyPlacement(partitioner(settings.partitioner), len(spans))
            done, of = 0, sum(end - start for start, end in spans.values())
            for partition, (start, end) in spans.items():
                if start > 0:
                    self.begins_late.append(partition)
                replay = Replay(self._pipeline, owning_partition=placement, scores=False)
                tombstones = {key: encode_row(erased.row(epoch=0)) for key, erased in erasures.students.items()}
                replay.rows.put_many(partition, tombstones)
                records = (file_record(message) for message in reader.read(partition, start, end))
                yield from self._updates(replay, _counted(records, advance, done - start, of))
                done += end - start

    def _decode_as_workers(self, topic_id: str, authentic: Authentic) -> None:
        """As they do on the topic of this id; lines of files prove no tenant, and have no offsets."""
        settings, decode = self._settings, decoder_of(self._settings)
        if (tenants := tenant_decoding(settings)) is not None:
            tenants.held = HoldTopic(settings).read(topic_id)
            decode = tenants
        if (identities := identity_decoding(settings, decode, authentic)) is not None:
            identities.starts = stated_starts(settings, topic_id)
            decode = identities
        self._pipeline.decode = decode if self._as_of is None else up_to(decode, self._as_of)

    def _updates(self, replay: Replay, records: Iterable[Record]) -> Iterator[SkillUpdate]:
        with asyncio.Runner() as runner:
            for batch in batches(records):
                runner.run(replay.feed(batch))
            self.dead_lettered += replay.counts.dead_lettered
            for partition in sorted(replay.rows.partitions()):
                rows = ((key, row) for key, row in replay.rows.items(partition) if not is_segment(key))
                for some in batches(rows, _STUDENTS_AT_ONCE):
                    with_events = (row_headers([row for _, row in some])["events"] > 0).tolist()
                    known = list(compress(some, with_events))
                    if known:
                        keys, stored = zip(*known, strict=True)
                        row_batch = RowBatch.of(stored, self._pipeline.skill_set.names)
                        scored = runner.run(self._pipeline.score(row_batch))
                        yield from map(read_update, self._pipeline.write(keys, scored))


def up_to(decode: Decode, as_of: datetime) -> Decode:
    """Decodes, and leaves out what happened after `as_of`."""
    as_of_s = as_of.timestamp()

    def decode_up_to(record: Record) -> Decoded:
        decoded = decode(record)
        happened = [min(event.time.timestamp(), record.timestamp / 1_000) <= as_of_s for event in decoded.events]
        if all(happened):
            return decoded
        return Decoded(
            events=list(compress(decoded.events, happened)),
            invalid=decoded.invalid,
            ignored=decoded.ignored,
            parts=list(compress(decoded.parts, happened)),
            tolerated=decoded.tolerated,
        )

    return decode_up_to


def _counted(records: Iterable[Record], advance: Callable[[int, int], None], done: int, of: int) -> Iterator[Record]:
    for record in records:
        yield record
        if record.offset % 1_000 == 0:
            advance(done + record.offset, of)
