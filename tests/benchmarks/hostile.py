"""What records cost that somebody made to be dear: time a record, and memory, in one process without a broker."""

import gzip
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

import orjson

from schemas.dialects import Record
from tests.benchmarks.measure import Figure, Rounds, Target
from tests.benchmarks.sizes import Sizes
from tests.events import raw, record
from tests.fuzz.seeds import DOCUMENTS
from tests.stepped import CHANNELS, Stepped, owning_partition

ADVERSARIAL: Final = "adversarial"
AMPLIFICATION: Final = "amplification"
NAMES: Final = (ADVERSARIAL, AMPLIFICATION)
_PAIRS: Final = 20_000
_MOST_S: Final = Target("at most", 10, of="value")


def voided_pairs() -> list[bytes]:
    """An event and its void, of one student."""
    return [
        value
        for n in range(_PAIRS)
        for value in (raw(event_id=f"e{n}", voidable=True), raw("voided", event_id=f"v{n}", voided_id=f"e{n}"))
    ]


def arrays_of_zeros() -> list[bytes]:
    """Forty of one good statement and 100,000 zeros."""
    return [b"[" + orjson.dumps(DOCUMENTS["xapi"][0]) + b",0" * 100_000 + b"]"] * 40


def crowd() -> list[bytes]:
    """Fifty thousand students, one event each."""
    return [raw(student=f"s{number}") for number in range(50_000)]


def bombs() -> list[bytes]:
    """Thirty records of 12.5 MB: 12 KB each, gzipped."""
    return [b"[" + b"0," * 6_250_000 + b"0]"] * 30


SHAPES: Final[dict[str, Callable[[], list[bytes]]]] = {
    "voided_pairs": voided_pairs,
    "arrays_of_zeros": arrays_of_zeros,
    "crowd": crowd,
}


def measure(names: Sequence[str], sizes: Sizes, rounds: Rounds) -> list[Figure]:
    """Seconds of CPU for each shape; growth of memory, and bytes out for a byte in, of bombs."""
    figures = []
    for shape in SHAPES if ADVERSARIAL in names else ():
        took = [_in_process(shape)[0] for _ in range(sizes.rounds)]
        figures.append(rounds.figure(f"{ADVERSARIAL}.{shape}", "s of CPU", took, target=_MOST_S))
    if AMPLIFICATION in names:
        found = [_in_process("bombs") for _ in range(sizes.rounds)]
        figures.append(rounds.figure(f"{AMPLIFICATION}.memory", "MiB at the peak", [peak for _, peak, _ in found]))
        figures.append(rounds.figure(f"{AMPLIFICATION}.letters", "bytes out for one in", [out for _, _, out in found]))
    return figures


def _in_process(shape: str) -> tuple[float, float, float]:
    """A fresh process each: seconds of CPU, MiB, bytes of dead letters for a gzipped byte that came."""
    run = subprocess.run([sys.executable, "-m", __name__, shape], capture_output=True, text=True, check=True)
    seconds, mebibytes, ratio = map(float, run.stdout.split())
    return seconds, mebibytes, ratio


def main(shape: str) -> None:
    """Fold the shape, and print what it cost."""
    partition = owning_partition(b"ada")
    values = bombs() if shape == "bombs" else SHAPES[shape]()
    records: list[Record] = [record(value, number, partition=partition) for number, value in enumerate(values)]
    stepped = Stepped()
    stepped.take(CHANNELS.activity, partition, [record(raw(), 0, partition=partition)])
    began_s = time.process_time()
    result = stepped.take(CHANNELS.activity, partition, records)
    took_s = time.process_time() - began_s
    sent = sum(len(one.value or b"") for one in result.outputs if one.topic == CHANNELS.dead_letters)
    came = len(gzip.compress(values[0])) * len(values)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(f"{took_s} {peak_mib} {sent / came}\n")


if __name__ == "__main__":
    main(sys.argv[1])
