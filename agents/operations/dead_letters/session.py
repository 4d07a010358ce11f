"""A replay with the topics it needs, from its position to the end of the dead letters as of now."""

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from agents.config.channels import Channels
from agents.config.dead_letters import dead_letter_writer
from agents.config.dialects import decoder_of
from agents.config.header_keys import Keyring
from agents.config.settings import Settings
from agents.kafka.errors import NoSuchTopic
from agents.kafka.input_topic import InputTopic
from agents.kafka.reader import TopicReader
from agents.kafka.topics import TopicSpec, ensure_topics
from agents.operations.dead_letters.position import ReplayPosition, positions, read_positions
from agents.operations.dead_letters.reinsertion import DrySink, TransactionalSink
from agents.operations.dead_letters.replay import DeadLetterReplay, Policy, Summary
from agents.operations.dead_letters.reread import Rereader
from agents.operations.erasures import StoredErasures
from agents.tenants.topic import tenant_decoding
from schemas.dialects import Decode
from streams.folding.dead_letter_writing import PLAIN_WRITER
from streams.input.partitioner import partitioner
from streams.input.tenancy import ONE_TENANT

Advance = Callable[[int], None]


@contextmanager
def dead_letters_reader(settings: Settings) -> Iterator[TopicReader]:
    """A reader of the dead letters, for the group whose offsets say how far replays have come."""
    topic = Channels.of(settings).dead_letters
    with TopicReader(settings.broker, topic, group_of(settings), settings.start_timeout_s) as reader:
        yield reader


def group_of(settings: Settings) -> str:
    """The consumer group of replays; nobody ever joins it."""
    return f"{settings.app_id}-dead-letters"


class ReplaySession:
    """Open it once a replay. All methods block. Raises SettingsError for a mapping file of no use."""

    def __init__(self, settings: Settings, reader: TopicReader) -> None:
        self._settings = settings
        tenants = tenant_decoding(settings)  # nothing is held of what goes back: where it is, it is held again
        self._tenancy = ONE_TENANT if tenants is None else tenants.tenancy
        self._decode: Decode = decoder_of(settings) if tenants is None else tenants
        self._channels = Channels.of(settings)
        self._keyring = Keyring(settings)
        self._replayed_topic = f"{settings.app_id}-dead-letters-replayed"
        self._reader = reader
        self._spans = reader.spans()
        self._erasures = StoredErasures({})

    def waiting(self) -> int:
        """How many dead letters lie before the end, at most."""
        begin = self._positions(settled=False)
        return sum(end - begin[partition].next for partition, (_, end) in self._spans.items())

    def dry_run(self, policy: Policy, reasons: Collection[str], advance: Advance) -> Summary:
        """Decide about all of them; change nothing."""
        self._keyring.open()
        replay = self._replay(policy, reasons)
        return replay.run(self._reader, self._spans, self._positions(settled=False), DrySink(), advance)

    def run(self, policy: Policy, reasons: Collection[str], advance: Advance) -> Summary:
        """Send them back. Makes the topics that are missing; raises TopicMismatch where one is not as it must be."""
        self._keyring.open_or_make()
        replay = self._replay(policy, reasons)
        ensure_topics(self._settings.broker, self._topics(), self._settings.start_timeout_s)
        with TransactionalSink(
            self._settings.broker,
            self._settings.app_id,
            activity=self._channels.activity,
            dead_letters=self._channels.dead_letters,
            replayed_topic=self._replayed_topic,
            group=self._reader.group_metadata,
            compression=self._settings.compression,
            check=self._erased_meanwhile,
        ) as sink:
            # Only now: what a killed replay had left open is decided by the sink's start.
            return replay.run(self._reader, self._spans, self._positions(settled=True), sink, advance)

    def _replay(self, policy: Policy, reasons: Collection[str]) -> DeadLetterReplay:
        settings, channels = self._settings, self._channels
        owning_partition = partitioner(settings.partitioner).owning_partition
        activity = InputTopic(settings.broker, settings.app_id, channels.activity, settings.start_timeout_s)
        self._erasures = StoredErasures.read(settings, activity.describe().topic_id, self._keyring.authentic)
        rereader = Rereader(
            activity=channels.activity,
            owning_partition=lambda key: owning_partition(key, settings.partitions),
            partitions=settings.partitions,
            erasures=self._erasures,
            now_ms=time.time_ns() // 1_000_000,
            decode=self._decode,
            sign=self._keyring.sign,
            tenancy=self._tenancy,
            writer=dead_letter_writer(settings, self._keyring) if self._keyring.has_keys else PLAIN_WRITER,
        )
        return DeadLetterReplay(policy, rereader, reasons=reasons, authentic=self._keyring.authentic)

    def _erased_meanwhile(self) -> str | None:
        """What was erased before it was sent back is on the topic by now, and what will be ends behind it."""
        settings = self._settings
        with TopicReader(
            settings.broker, self._channels.erasures, group_of(settings), settings.start_timeout_s
        ) as reader:
            read_to = self._erasures.read_to
            moved = any(reader.span(partition)[1] != read_to.get(partition, 0) for partition in reader.partitions())
        return "students were erased meanwhile: run the replay again, it goes on from here" if moved else None

    def _positions(self, *, settled: bool) -> dict[int, ReplayPosition]:
        timeout_s = self._settings.start_timeout_s
        with TopicReader(
            self._settings.broker, self._replayed_topic, group_of(self._settings), timeout_s
        ) as replayed_topic:
            try:
                known = read_positions(replayed_topic)
            except NoSuchTopic:  # nothing was ever replayed
                known = {}
        return positions(self._spans, self._reader.committed(self._spans, settled=settled), known)

    def _topics(self) -> list[TopicSpec]:
        settings, channels = self._settings, self._channels
        needed = (channels.activity, channels.dead_letters)
        replayed_topic = TopicSpec(
            self._replayed_topic, settings.partitions, settings.replication, {"cleanup.policy": "compact"}
        )
        return [replayed_topic, *(spec for spec in channels.specs(settings) if spec.name in needed)]
