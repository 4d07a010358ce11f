"""The scripted model on a class as it comes in: what it says passes the check after any batch."""

from collections import defaultdict
from typing import Final

from schemas.dialects import Record
from schemas.update import read_update
from streams.reasoning.check.grounding import check_claims
from streams.reasoning.model.scripted import ScriptedModel
from streams.reasoning.request.prompt import Prompt
from streams.replay import batches
from streams.rows.row_batch import RowBatch
from streams.simulation import simulate
from tests.events import record
from tests.stepped import CHANNELS, Stepped, owning_partition

CLASS: Final = list(simulate(12, 400, seed=5, faults=0.0))


async def test_what_it_says_of_a_class_passes_the_check_whenever_it_is_asked() -> None:
    stepped, model, asked = Stepped(), ScriptedModel(), 0
    prompt, offsets = Prompt(stepped.pipeline.skill_set), defaultdict[int, int](int)
    for batch in batches(CLASS, 50):
        events = defaultdict[int, list[Record]](list)
        for sent in batch:
            partition = owning_partition(sent.key)
            events[partition].append(record(sent.value, offsets[partition], partition=partition, key=sent.key))
            offsets[partition] += 1
        for partition, records in events.items():
            await stepped.take_on(CHANNELS.activity, partition, records)
        for key in {sent.key for sent in batch}:
            rows = RowBatch.of([stepped.rows.get(owning_partition(key), key)], stepped.pipeline.skill_set.names)
            [update] = stepped.pipeline.write([key], await stepped.pipeline.score(rows))
            request = prompt.question(read_update(update)).request
            asked += 1
            assert check_claims(request, (await model.explain(request)).draft).faults == (), key
    assert asked > len(CLASS) / 50
