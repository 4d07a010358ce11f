"""What a worker adds to the messages that the pipeline writes."""

from schemas.update import generated_at, read_update
from streams.scoring.updates import rfc3339
from tests.events import NOW_US, processed, raw, records
from tests.stepped import CHANNELS, Stepped, owning_partition


def test_a_workers_update_says_when_it_was_written_and_else_what_a_replay_says() -> None:
    stepped, partition = Stepped(), owning_partition(b"ada")
    [replayed] = processed(records([raw()]), scores=True).updates.values()

    [written] = stepped.take(CHANNELS.activity, partition, records([raw()])).outputs

    assert written.value == replayed[:-1] + generated_at(rfc3339(NOW_US))
    assert read_update(written.value).generated_at == rfc3339(NOW_US)
