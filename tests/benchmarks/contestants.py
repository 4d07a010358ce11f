"""Who runs: what each contestant is, how it is started, on which events, and what its work has in common with ours."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from tests.benchmarks.datasets import COMPONENTS, MANY, PARTITIONS, PLAIN, ROOT, TEXT, DataSet
from tests.benchmarks.peers import environment
from tests.benchmarks.update_sizes import mean_update_bytes

_PEERS: Final = Path(environment.__file__).parent
_PACKAGE: Final = "tests.benchmarks.peers"

Outputs = Literal["an event", "an event with facts", "a changed student a batch", "none"]


@dataclass(frozen=True, slots=True)
class Run:
    """Where one run takes place: its own group and output topic, and a folder for its logs and state."""

    broker: str
    data: DataSet
    events: int
    group: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Contestant:
    """`limit`: it is given the first so many events of the topic, being slow; `options` follow the other arguments.

    It is run from `tree`, another checkout of ours, where there is one. One that is `sized` makes outputs of as many
    bytes as our mean update of its data set has, which is its last option. `settings` are our worker's, by variable.
    """

    name: str
    program: str
    data: DataSet
    outputs: Outputs
    does: str
    limit: int | None = None
    options: tuple[str, ...] = ()
    processes: int = 1
    tree: Path = ROOT
    sized: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_worker(self) -> bool:
        """Whether it is our worker, which is set by its environment and names its own topics."""
        return self.program == "skillstream_worker"

    def output(self, run: Run) -> str:
        """The topic that it produces to."""
        return f"{run.data.prefix}skill-updates" if self.is_worker else f"{run.group}-out"

    def command(self, run: Run) -> list[str]:
        """How it is started."""
        addresses = [run.broker, run.data.topic, run.group, self.output(run)]
        options = [*self.options, str(mean_update_bytes(self.data))] if self.sized else self.options
        if self.program.endswith(".java"):
            java = ["java", "-Xmx1g", "-cp", f"{environment.jars()}/*", str(_PEERS / self.program)]
            return [*java, *addresses, str(run.folder / "state"), *options]
        if self.program.endswith(".py"):
            python = str(environment.python())
            return [python, str(_PEERS / self.program), *addresses, str(run.events), *options]
        arguments = [] if self.is_worker else [*addresses, str(run.events), *options]
        return [sys.executable, "-m", f"{_PACKAGE}.{self.program}", *arguments]

    def environment(self, run: Run) -> Mapping[str, str]:
        """Its settings, beside what the environment gives."""
        given = worker_environment(run.broker, run.group, run.data.prefix) if self.is_worker else {}
        return {**given, **self.settings}


def worker_environment(broker: str, app_id: str, prefix: str) -> dict[str, str]:
    """Our worker as it is set by default, with its explanations off."""
    given = {
        "broker": broker,
        "app_id": app_id,
        "topic_prefix": prefix,
        "partitions": PARTITIONS,
        "reasoning": "off",
        "web_port": 0,
        "log_level": "warning",
    }
    return {f"SKILLSTREAM_{name.upper()}": str(value) for name, value in given.items()}


def _ours(name: str, data: DataSet, does: str, processes: int = 1) -> Contestant:
    return Contestant(name, "skillstream_worker", data, "a changed student a batch", does, processes=processes)


def _quix(name: str, data: DataSet, *, sized: bool = False) -> Contestant:
    does = "Quix Streams: counts a key's events, RocksDB state, changelog, at least once; decodes nothing"
    options = ("20",) if sized else ()
    does += _size(sized)
    return Contestant(name, "quix_counter.py", data, _AN_EVENT, does, limit=300_000, options=options, sized=sized)


def _kafka_streams(name: str, data: DataSet, *, cached: bool, sized: bool = False) -> Contestant:
    does, outputs, cache_bytes = f"{_STREAMS}; cache off{_size(sized)}", _AN_EVENT, "0"
    if cached:
        does = f"{_STREAMS}; its default cache of 10 MiB: an output for each key and commit (a second){_size(sized)}"
        outputs, cache_bytes = _A_BATCH, str(10 << 20)
    options = (cache_bytes, "1000", "20", *(() if sized else ("0",)))
    return Contestant(name, "KafkaStreamsCounter.java", data, outputs, does, options=options, sized=sized)


def _size(sized: bool) -> str:
    return "; outputs of as many bytes as our mean update" if sized else ""


_AN_EVENT: Final[Outputs] = "an event"
_A_BATCH: Final[Outputs] = "a changed student a batch"
_FULL: Final = "`skillstream worker`: decode, dedupe, fold, three sources, 7 skills, changelog, updates"
_BARE: Final = "bare `aiokafka.getmany()`, nothing decoded, nothing written: the limit"
_STREAMS: Final = "Kafka Streams (Java, one stream thread): `count()` of a key, RocksDB state, changelog, at least once"

ALL: Final = (
    Contestant("getmany", "getmany", PLAIN, "none", _BARE),
    Contestant(
        "getmany_orjson", "getmany", PLAIN, "none", "the same, each value parsed by orjson", options=("--orjson",)
    ),
    Contestant(
        "faust_pipeline",
        "faust_pipeline",
        PLAIN,
        "an event with facts",
        "idiomatic Faust agent: our whole pipeline on one event at a time, table write, update",
        limit=3_000,
    ),
    Contestant(
        "faust_counter",
        "faust_counter",
        PLAIN,
        "an event",
        "idiomatic Faust agent: a counter in a table; decodes nothing",
        limit=20_000,
    ),
    _quix("quix_counter", PLAIN),
    _quix("quix_counter_many", MANY),
    _quix("quix_counter_text", TEXT),
    _quix("quix_counter_components", COMPONENTS),
    _quix("quix_counter_sized", PLAIN, sized=True),
    _quix("quix_counter_many_sized", MANY, sized=True),
    _kafka_streams("kafka_streams", PLAIN, cached=False),
    _kafka_streams("kafka_streams_many", MANY, cached=False),
    _kafka_streams("kafka_streams_cached", PLAIN, cached=True),
    _kafka_streams("kafka_streams_cached_many", MANY, cached=True),
    _kafka_streams("kafka_streams_cached_sized", PLAIN, cached=True, sized=True),
    _kafka_streams("kafka_streams_cached_many_sized", MANY, cached=True, sized=True),
    Contestant(
        "faststream",
        "faststream_decode.py",
        PLAIN,
        "none",
        "FastStream, stateless: batches, each value parsed by orjson; no state, no output",
        limit=300_000,
    ),
    Contestant(
        "skillstream_counter",
        "skillstream_counter",
        PLAIN,
        "a changed student a batch",
        "our delivery alone: a counter in the table, changelog; decodes nothing",
    ),
    _ours("skillstream", PLAIN, _FULL),
    _ours("skillstream_many", MANY, _FULL),
    _ours("skillstream_text", TEXT, _FULL),
    _ours("skillstream_components", COMPONENTS, f"{_FULL}, mastery of 20 components"),
    _ours("skillstream_two", PLAIN, f"two of them in one group ({_FULL})", processes=2),
)
CONTESTANTS: Final = {contestant.name: contestant for contestant in ALL}
