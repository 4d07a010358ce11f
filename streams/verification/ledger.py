"""What should be somewhere, and what is there: two lists of entries, settled against each other at the end.

The lists may be longer than memory: they are kept by buckets of offsets, each in a temporary file once it is large,
and settled bucket by bucket.
"""

from collections.abc import Iterator
from shutil import copyfileobj
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import BinaryIO, Final, Literal, NamedTuple, Self

import msgspec

_BUCKETS: Final = 32
_OFFSETS_IN_A_ROW: Final = 4_096
_LENGTH_BYTES: Final = 4
_SIZE_BYTES: Final = 8
_CHUNK_BYTES: Final = 1 << 20

ANY_DIGEST: Final = b""
"""Of what is there and cannot be compared."""
EntryKey = tuple[int, int, int]
"""Partition, offset and index of an event of the input topic."""


class Entry(NamedTuple):
    """`about` is a place; `digest` what the entry says of it; `at` the partition where it should be, or is.

    What is only `claimed`, by nobody we know, is there if it is what should be, else it is nothing. Where one of
    `or_digests` is found instead of `digest`, or ANY_DIGEST, that is right, too; where it `may_be_gone`, nothing is.
    """

    about: EntryKey
    digest: bytes
    at: int
    student: str = ""
    claimed: bool = False
    or_digests: tuple[bytes, ...] = ()
    may_be_gone: bool = False

    def is_met_by(self, found: "Entry") -> bool:
        """Whether what was `found` is what should be there."""
        return found.at == self.at and found.digest in (self.digest, *self.or_digests, ANY_DIGEST)


class Mismatch(NamedTuple):
    """An entry that is missing, unexpected, or changed."""

    how: Literal["missing", "unexpected", "changed"]
    entry: Entry


class EntryLedger:
    """See the module. Takes about `memory_bytes` until it is settled, then a bucket's share of all.

    The same entry expected twice is expected once; found twice, it is a repeat, and right.
    """

    def __init__(self, memory_bytes: int) -> None:
        share = max(1, memory_bytes // (2 * _BUCKETS))
        self._expected = [_Spool(share) for _ in range(_BUCKETS)]
        self._found = [_Spool(share) for _ in range(_BUCKETS)]
        self.expected = 0
        self.repeats = self.gone = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for spool in (*self._expected, *self._found):
            spool.close()

    def expect(self, entry: Entry) -> None:
        """This should be there."""
        self._expected[_bucket(entry)].append(entry)

    def find(self, entry: Entry) -> None:
        """This is there."""
        self._found[_bucket(entry)].append(entry)

    def dump(self, file: BinaryIO) -> None:
        """Write all entries, for `load`. Before they are settled."""
        for spool in (*self._expected, *self._found):
            spool.dump(file)

    def load(self, file: BinaryIO) -> None:
        """Append what `dump` wrote. Raises EOFError where it is not all there."""
        for spool in (*self._expected, *self._found):
            spool.load(file)

    def settle(self) -> Iterator[Mismatch]:
        """What does not match. Counts `expected`, `repeats` and `gone` on the way; to be called once."""
        for expected, found in zip(self._expected, self._found, strict=True):
            wanted = {entry.about: entry for entry in expected}
            self.expected += len(wanted)
            seen: set[EntryKey] = set()
            wrong: dict[EntryKey, Mismatch] = {}
            for entry in found:
                want = wanted.get(entry.about)
                if entry.claimed:
                    if want is not None and want.is_met_by(entry):
                        seen.add(entry.about)
                    continue
                self.repeats += entry.about in seen
                if want is None:
                    wrong[entry.about] = Mismatch("unexpected", entry)
                elif not want.is_met_by(entry):
                    wrong[entry.about] = Mismatch("changed", want)
                seen.add(entry.about)
            missing = [entry for about, entry in wanted.items() if about not in seen]
            self.gone += sum(entry.may_be_gone for entry in missing)
            yield from (Mismatch("missing", entry) for entry in missing if not entry.may_be_gone)
            yield from wrong.values()


class _Spool:
    """Entries in the order they came, in memory up to `memory_bytes`, in a file beyond."""

    def __init__(self, memory_bytes: int) -> None:
        self._file = SpooledTemporaryFile(max_size=memory_bytes)  # noqa: SIM115
        self._encoder = msgspec.msgpack.Encoder()

    def append(self, entry: Entry) -> None:
        encoded = self._encoder.encode(entry)
        self._file.write(len(encoded).to_bytes(_LENGTH_BYTES) + encoded)

    def __iter__(self) -> Iterator[Entry]:
        decoder = msgspec.msgpack.Decoder(Entry)
        self._file.seek(0)
        while length := self._file.read(_LENGTH_BYTES):
            yield decoder.decode(self._file.read(int.from_bytes(length)))

    def dump(self, file: BinaryIO) -> None:
        """The entries, behind how many bytes they take."""
        file.write(self._file.tell().to_bytes(_SIZE_BYTES))
        self._file.seek(0)
        copyfileobj(self._file, file)

    def load(self, file: BinaryIO) -> None:
        """Append the entries that `dump` wrote."""
        left = int.from_bytes(read_exactly(file, _SIZE_BYTES))
        while left:
            chunk = read_exactly(file, min(left, _CHUNK_BYTES))
            self._file.write(chunk)
            left -= len(chunk)

    def close(self) -> None:
        self._file.close()


def read_exactly(file: BinaryIO, size: int) -> bytes:
    """The next `size` bytes. Raises EOFError where there are less."""
    read = file.read(size)
    if len(read) < size:
        raise EOFError("it is cut off")
    return read


def _bucket(entry: Entry) -> int:
    partition, offset, _ = entry.about
    return (offset // _OFFSETS_IN_A_ROW + partition) % _BUCKETS
