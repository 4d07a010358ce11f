"""Events a second: all contestants in turn, round after round, over the same topics; and how ours compare."""

import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tests.benchmarks.broker import BenchKafka
from tests.benchmarks.contestants import CONTESTANTS, Contestant
from tests.benchmarks.datasets import PLAIN, fill
from tests.benchmarks.measure import Figure, Rounds, Target
from tests.benchmarks.process import BenchmarkFailed
from tests.benchmarks.race import Result, race
from tests.benchmarks.sizes import Sizes

UNIT: Final = "events/s"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One line of the issue's table: ours against theirs, in the same round."""

    name: str
    ours: str
    theirs: str
    target: Target | None = None


def _at_least(bound: float) -> Target:
    return Target("at least", bound)


COMPARISONS: Final = (
    Comparison("full_pipeline", "skillstream", "quix_counter", _at_least(4)),
    Comparison("full_pipeline", "skillstream", "faust_pipeline", _at_least(20)),
    Comparison("full_pipeline", "skillstream", "getmany", _at_least(0.35)),
    Comparison("full_pipeline", "skillstream", "getmany_orjson"),
    Comparison("full_pipeline", "skillstream", "faust_counter"),
    Comparison("full_pipeline", "skillstream", "kafka_streams"),
    Comparison("full_pipeline", "skillstream", "kafka_streams_cached", _at_least(0.9)),
    Comparison("full_pipeline", "skillstream", "faststream"),
    Comparison("full_pipeline", "skillstream", "quix_counter_sized"),
    Comparison("full_pipeline", "skillstream", "kafka_streams_cached_sized"),
    Comparison("many_students", "skillstream_many", "quix_counter_many", _at_least(2)),
    Comparison("many_students", "skillstream_many", "kafka_streams_many"),
    Comparison("many_students", "skillstream_many", "kafka_streams_cached_many"),
    Comparison("many_students", "skillstream_many", "quix_counter_many_sized"),
    Comparison("many_students", "skillstream_many", "kafka_streams_cached_many_sized"),
    Comparison("many_components", "skillstream_components", "quix_counter_components"),
    Comparison("with_text", "skillstream_text", "quix_counter_text", _at_least(1)),
    Comparison("delivery_alone", "skillstream_counter", "quix_counter", _at_least(6)),
    Comparison("delivery_alone", "skillstream_counter", "getmany", _at_least(0.6)),
    Comparison("delivery_alone", "skillstream_counter", "kafka_streams"),
    Comparison("two_workers", "skillstream_two", "skillstream", _at_least(1.7)),
)
NAMES: Final = tuple(dict.fromkeys(comparison.name for comparison in COMPARISONS))

Results = dict[str, list[Result]]


def measure(kafka: BenchKafka, names: Collection[str], sizes: Sizes, rounds: Rounds) -> list[Figure]:
    """Run all that the comparisons of these names need, and compare."""
    wanted = [comparison for comparison in COMPARISONS if comparison.name in names]
    runners = {name for comparison in wanted for name in (comparison.ours, comparison.theirs)}
    field = [contestant for contestant in CONTESTANTS.values() if contestant.name in runners]
    return compare(kafka, wanted, field, sizes, rounds)


def compare(
    kafka: BenchKafka, wanted: Sequence[Comparison], field: list[Contestant], sizes: Sizes, rounds: Rounds
) -> list[Figure]:
    """Run all of the field in turn, and compare as wanted."""
    for data in {contestant.data.name: contestant.data for contestant in field}.values():
        _say(f"events of the data set {data.name}: {data.about}")
        fill(kafka.bootstrap, data, _events(data.name, sizes))
    results: Results = {contestant.name: [] for contestant in field}
    for number in range(1, sizes.rounds + 1):
        for contestant in _order(field, number):
            result = _race(contestant, kafka, _events(contestant.data.name, sizes), number)
            results[contestant.name].append(result)
            _say(f"round {number} of {sizes.rounds}  {contestant.name:22} {result.events_a_s:11,.0f} {UNIT}")
    return [*_figures(results, rounds), *(_compare(comparison, results, rounds) for comparison in wanted)]


def _race(contestant: Contestant, kafka: BenchKafka, total: int, number: int) -> Result:
    """One contestant's turn in a round; what fails once, by whoever's fault, does not cost the rounds before it."""
    try:
        return race(contestant, kafka, total, check=number == 1)
    except BenchmarkFailed as error:
        _say(f"round {number}: once more, as it failed: {error}")
        return race(contestant, kafka, total, check=number == 1)


def _order(field: list[Contestant], number: int) -> list[Contestant]:
    """Every round begins with another contestant, so that none always follows the same one's writes."""
    start = (number - 1) * 3 % len(field)
    return field[start:] + field[:start]


def _events(data: str, sizes: Sizes) -> int:
    return sizes.events if data == PLAIN.name else sizes.other_events


def _figures(results: Results, rounds: Rounds) -> Iterator[Figure]:
    for name, runs in results.items():
        yield rounds.figure(
            f"contestant.{name}",
            UNIT,
            [run.events_a_s for run in runs],
            cpu_us=[run.cpu_us for run in runs],
            broker_cores=[run.broker_cores for run in runs],
        )


def _compare(comparison: Comparison, results: Results, rounds: Rounds) -> Figure:
    ours, theirs = results[comparison.ours], results[comparison.theirs]
    return rounds.figure(
        comparison.name,
        UNIT,
        [run.events_a_s for run in ours],
        against=comparison.theirs,
        ratios=[our.events_a_s / their.events_a_s for our, their in zip(ours, theirs, strict=True)],
        target=comparison.target,
        cpu_us=[run.cpu_us for run in ours],
    )


def _say(text: str) -> None:
    sys.stderr.write(f"  {text}\n")
    sys.stderr.flush()
