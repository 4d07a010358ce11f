"""Who is measured for latency, and how each is set for it.

The same for all: 4 partitions, acks of all replicas, a commit a second and, for Kafka Streams, whose cache speaks at
its commits, one every 100 ms. Ours and the echo hand whole batches to their producers and linger not at all; the
others hand over record by record and linger 1 ms. With none Kafka Streams without its cache fell behind at 10,000
events/s, Quix at times (docs/decisions/0051). The rest is as each file in `peers` says at its head.
"""

from dataclasses import dataclass, replace
from typing import Final

from tests.benchmarks.contestants import CONTESTANTS, Contestant
from tests.benchmarks.datasets import PLAIN
from tests.benchmarks.latency.matching import Matched

_LINGER_MS: Final = "1"
_NO_CACHE: Final = "0"
_BARE: Final = "0"
_COMMIT_MS: Final = "100"
_CACHE_BYTES: Final = str(10 << 20)


@dataclass(frozen=True, slots=True)
class Entrant:
    """A contestant, by which its outputs are matched to events; `shown`: its name where people read it."""

    contestant: Contestant
    matched: Matched
    shown: str

    @property
    def name(self) -> str:
        """The contestant's."""
        return self.contestant.name


def _peer(name: str, shown: str, *options: str, as_: str = "") -> Entrant:
    return Entrant(replace(CONTESTANTS[name], name=as_ or name, options=options, limit=None), "count", shown)


_ECHO: Final = Contestant("echo", "echo", PLAIN, "an event", "bare aiokafka: every record goes out as it came")
OURS: Final = Entrant(CONTESTANTS["skillstream"], "seq", "skillstream")
ECHO: Final = Entrant(_ECHO, "position", "echo")
QUIX: Final = _peer("quix_counter", "Quix counter", _LINGER_MS)
STREAMS_CACHED: Final = _peer(
    "kafka_streams_cached", "Kafka Streams counter, cached", _CACHE_BYTES, _COMMIT_MS, _LINGER_MS, _BARE
)
STREAMS: Final = _peer("kafka_streams", "Kafka Streams counter", _NO_CACHE, _COMMIT_MS, _LINGER_MS, _BARE)
FAUST: Final = _peer("faust_counter", "Faust counter", _LINGER_MS)
FIELD: Final = {each.name: each for each in (OURS, ECHO, QUIX, STREAMS_CACHED, STREAMS, FAUST)}
