"""What the fuzzer calls: bytes to a record, decoded, and judged by the oracle. Runs in the fuzzer's own environment.

    headers, one a line, "name: value"
    (an empty line)
    value

Without an empty line all is value. Half of the mutations are made of the value's JSON, where it is any.
"""

import sys
from pathlib import Path
from random import Random
from typing import Any, Final

import atheris
import orjson

with atheris.instrument_imports(include=["schemas"]):
    from tests.fuzz.oracle import check
    from tests.fuzz.seeds import DOCUMENTS, Headers, record

from tests.fuzz.mutation import mutated

_EVERY: Final = [document for documents in DOCUMENTS.values() for document in documents]
_known: list[Any] = list(_EVERY)


def run(data: bytes) -> None:
    """One execution. Raises what is to be found."""
    headers, value = _parts(data)
    check(record(value, headers))


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """`data`, changed: as JSON where that is possible, else as bytes."""
    rng = Random(seed)
    head, _, value = data.rpartition(b"\n\n")
    if rng.random() < 0.5:
        try:
            changed = orjson.dumps(mutated(orjson.loads(value), _known, rng))
        except (orjson.JSONDecodeError, TypeError):
            pass
        else:
            made = head + b"\n\n" + changed if head else changed
            if len(made) <= max_size:
                return made
    return bytes(atheris.Mutate(data, max_size))


def _parts(data: bytes) -> tuple[Headers, bytes]:
    head, _, value = data.rpartition(b"\n\n")
    pairs = (line.partition(b": ") for line in head.splitlines())
    return tuple((name.decode("utf-8", "replace"), value) for name, _, value in pairs), value


if __name__ == "__main__":
    for path in Path(sys.argv[-1]).iterdir():
        try:
            _known.append(orjson.loads(_parts(path.read_bytes())[1]))
        except orjson.JSONDecodeError:
            continue
    atheris.Setup(sys.argv, run, custom_mutator=mutate)
    atheris.Fuzz()
